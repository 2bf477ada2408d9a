// What the functions on a call path say a block is for, before any block of the path was protected:
// cranelift-jit and MCJIT map thousands of blocks before they protect the first.
#pragma once

#include <string_view>

#include "jitcorral/vocabulary.h"

namespace jitcorral {

struct Purpose {
  Role role;
  std::string_view part;  // of a function's name, however it is mangled
  Kind kind;
};

// Read-only and writable data are told apart by what they become; both lie at the data's end.
inline constexpr Purpose kPurposes[] = {
    {Role::kCranelift, "define_function", Kind::kCode},
    {Role::kCranelift, "define_data", Kind::kRwdata},
    {Role::kLlvm, "allocateCodeSection", Kind::kCode},
    {Role::kLlvm, "allocateDataSection", Kind::kRwdata},
};

// What a function of that name asks for; kUnknown: it does not say.
constexpr Kind purpose_of(Role role, std::string_view function) {
  for (const Purpose& p : kPurposes)
    if (p.role == role && function.find(p.part) != std::string_view::npos) return p.kind;
  return Kind::kUnknown;
}

// Whether any function could tell for this engine.
constexpr bool has_purposes(Role role) {
  for (const Purpose& p : kPurposes)
    if (p.role == role) return true;
  return false;
}

// Engines of which the functions are not in the dynamic symbols but, unless it was stripped, in the
// executable's own symbol table, which only its file has.
constexpr bool names_are_in_file(Role role) {
  return role == Role::kCranelift;
}

}  // namespace jitcorral
