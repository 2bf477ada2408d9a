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
    {Role::kLlvm, "emitCommonSymbols", Kind::kRwdata},
};

// SectionMemoryManager's allocateCodeSection and allocateDataSection jump on to allocateSection
// where they are optimised, and are not on the path then; RuntimeDyld, which calls them, is. They
// have been the first functions behind the destructors of RuntimeDyld::MemoryManager since
// LLVM 3.5.
struct VirtualPurpose {
  Role role;
  std::string_view part;
  int slot;  // of the vtable
  Kind kind;
};
inline constexpr VirtualPurpose kVirtualPurposes[] = {
    {Role::kLlvm, "RuntimeDyldImpl11emitSection", 2, Kind::kCode},
    {Role::kLlvm, "RuntimeDyldImpl11emitSection", 3, Kind::kRwdata},
};

// What a function of that name asks for; kUnknown: it does not say.
constexpr Kind purpose_of(Role role, std::string_view function) {
  for (const Purpose& p : kPurposes)
    if (p.role == role && function.find(p.part) != std::string_view::npos) return p.kind;
  return Kind::kUnknown;
}

// The same where the function calls another by that slot of its vtable.
constexpr Kind purpose_of_call(Role role, std::string_view function, int slot) {
  for (const VirtualPurpose& p : kVirtualPurposes)
    if (p.role == role && p.slot == slot && function.find(p.part) != std::string_view::npos)
      return p.kind;
  return Kind::kUnknown;
}

// Whether a slot could tell: only then the function's instructions are read.
constexpr bool is_told_by_call(Role role, std::string_view function) {
  for (const VirtualPurpose& p : kVirtualPurposes)
    if (p.role == role && function.find(p.part) != std::string_view::npos) return true;
  return false;
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
