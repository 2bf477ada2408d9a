// JITCORRAL_POLICY=scatter: the worst layout on purpose. Consecutive mappings go as far from each
// other as the address space allows.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel.h"
#include "layout.h"

namespace jitcorral {

// The n-th place of a van der Corput sequence over the range, shifted by `random`: each new place
// lies in the middle of the widest stretch that the earlier ones left.
constexpr Address scattered(AddressRange space, std::uint64_t n, std::uint64_t random,
                            Bytes alignment) {
  std::uint64_t reversed = 0;
  for (unsigned bit = 0; bit < 32; ++bit) reversed |= (n >> bit & 1) << (31 - bit);
  reversed = (reversed + (mix(random) & 0xffffffff)) & 0xffffffff;
  const std::uint64_t step = space.size().count >> 32;
  return round_down(space.begin + Bytes{reversed * step}, alignment);
}

class Scatter {
 public:
  // Maps at the next free place of the sequence; the kernel's answer, EEXIST if none was found.
  KernelResult map(const MapCall& call, AddressRange space, std::uint64_t random, Bytes alignment);

  // Allocator extents, which must be known again when they are freed. False when the table is full.
  bool remember(AddressRange extent);
  AddressRange extent_at(Address begin) const;
  void forget(Address begin);

 private:
  static constexpr std::size_t kExtents = 8192;
  static constexpr std::uint64_t kGone = 1;
  // begin / 4 KiB (40 bits) | size / 4 KiB (24 bits).
  std::atomic<std::uint64_t> extents_[kExtents] = {};
  std::atomic<std::uint64_t> next_{0};

  std::size_t find(Address begin) const;
};

}  // namespace jitcorral
