// The relocations that instructions of a reach are made for, as engines and ELF name them: what a
// message or a debugger shows, so that it can be found again.
#pragma once

#include <string_view>

#include "jitcorral/reach.h"
#include "jitcorral/vocabulary.h"

namespace jitcorral::show {

struct RelocationNames {
  Role role;  // kNone: of every engine that is not named
  Isa isa;
  ReachKind reach;
  std::string_view names;
};

// Sources: llvm/BinaryFormat/ELFRelocs, JITLink x86_64.h and aarch64.h (edge kinds),
// RuntimeDyldELF, cranelift-codegen binemit Reloc.
inline constexpr RelocationNames kRelocations[] = {
    {Role::kCranelift, Isa::kX86_64, ReachKind::kDelta32, "X86CallPCRel4, X86PCRel4"},
    {Role::kCranelift, Isa::kAarch64, ReachKind::kDelta32, "Aarch64AdrPrelPgHi21, taken as i32"},
    {Role::kCranelift, Isa::kAarch64, ReachKind::kBranch26, "Arm64Call"},
    {Role::kCranelift, Isa::kAarch64, ReachKind::kAdrp,
     "Aarch64AdrPrelPgHi21, Aarch64AdrGotPage21"},
    {Role::kNone, Isa::kX86_64, ReachKind::kDelta32,
     "R_X86_64_PC32, R_X86_64_PLT32, R_X86_64_GOTPCREL; JITLink Delta32, BranchPCRel32"},
    {Role::kNone, Isa::kAarch64, ReachKind::kDelta32, "R_AARCH64_PREL32; JITLink Delta32"},
    {Role::kNone, Isa::kAarch64, ReachKind::kBranch26,
     "R_AARCH64_CALL26, R_AARCH64_JUMP26; JITLink Branch26PCRel"},
    {Role::kNone, Isa::kAarch64, ReachKind::kAdrp,
     "R_AARCH64_ADR_PREL_PG_HI21, R_AARCH64_ADR_GOT_PAGE; JITLink Page21"},
};

// Empty: no instruction of that reach is on that ISA, or the ISA is not known.
constexpr std::string_view relocations_of(Role role, Isa isa, ReachKind reach) {
  for (const RelocationNames& row : kRelocations)
    if ((row.role == role || row.role == Role::kNone) && row.isa == isa && row.reach == reach)
      return row.names;
  return {};
}

}  // namespace jitcorral::show
