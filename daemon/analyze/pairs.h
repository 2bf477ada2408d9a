// How far apart the mappings of one engine lay, and how many pairs of them beyond each reach.
#pragma once

#include <array>
#include <vector>

#include "analyze/address_space.h"
#include "analyze/report.h"

namespace jitcorral::analyze {

// The greatest displacement between two mappings as instructions of this reach measure it: BL from
// instruction to instruction (4 bytes), ADRP from page to page (4 KiB, whatever the kernel's
// pages), delta32 from byte to byte.
Bytes displacement(ReachKind kind, AddressRange a, AddressRange b);

struct PairCount {
  std::uint64_t pairs = 0;
  std::uint64_t over = 0;
  std::optional<Bytes> worst;
  std::optional<Pair> worst_pair;
};

// What an extent became: CallerUse::kind.
Kind kind_of(const Extent& extent);

// Over all pairs that were ever there at the same time and of which one is code (kBranch26: both).
// Extents that are there at the same time must not overlap. O(n log n) whatever the pairs.
std::array<PairCount, std::size(kReported)> count_pairs(const std::vector<const Extent*>& extents);

}  // namespace jitcorral::analyze
