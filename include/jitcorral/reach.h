// How far the relocations that JIT compilers emit can reach, per ISA.
//
// Sources: AAELF64 (R_AARCH64_CALL26, R_AARCH64_ADR_PREL_PG_HI21), x86-64 psABI (R_X86_64_PC32,
// R_X86_64_32S), LLVM JITLink's Delta32 edges of .eh_frame.
#pragma once

#include <cstddef>

#include "jitcorral/range.h"

namespace jitcorral {

enum class ReachKind : unsigned char {
  kBranch26,    // aarch64 B/BL: +-128 MiB
  kDelta32,     // x86-64 rel32, .eh_frame deltas on both ISAs: +-2 GiB
  kAdrp,        // aarch64 ADRP: +-4 GiB, page to page
  kAbsolute32,  // x86-64 small static code: the target lies below 2 GiB
};

struct Reach {
  ReachKind kind;
  const char* name;  // as reports name it
  Bytes limit;       // greatest displacement forwards; backwards it is one more
  bool x86_64;       // emitted for this ISA
  bool aarch64;
};

inline constexpr Reach kReaches[] = {
    {ReachKind::kBranch26, "bl", mib(128) - Bytes{4}, false, true},
    {ReachKind::kDelta32, "delta32", gib(2) - Bytes{1}, true, true},
    {ReachKind::kAdrp, "adrp", gib(4) - Bytes{1}, false, true},
    {ReachKind::kAbsolute32, "abs32", gib(2) - Bytes{1}, true, false},
};

// Window, gap and anchor together span strictly less than this, so that every signed 32-bit
// displacement between any two of their bytes is representable. The 2 MiB are for addends and for
// instructions that measure from their own end.
inline constexpr Bytes kMaxSpan = gib(2) - mib(2);

// Whether every byte of `a` and every byte of `b` can refer to each other by 32-bit displacements.
constexpr bool within_span(AddressRange a, AddressRange b) {
  return hull(a, b).size() < kMaxSpan;
}

}  // namespace jitcorral
