// Where the window may lie: pure geometry over what the process looks like. Nothing here asks the
// kernel; window_open.cc does, and brings the answers.
#pragma once

#include <cstdint>
#include <optional>

#include "jitcorral/range.h"
#include "jitcorral/reach.h"

namespace jitcorral {

// Geometry is kept in units of 64 KiB, the largest page size of aarch64, so that one 64-bit word
// can hold all of it.
inline constexpr Bytes kGrain = kib(64);

// Where the window is to be, and from which end code is packed.
struct Layout {
  AddressRange window;
  bool code_at_high_end = true;
};

// Mappings that lie further apart than this belong to different neighbourhoods: the kernel puts a
// PIE executable tens of GB from the mmap area on every address space from 39 bits up, while
// `ld.so ./prog`, static-PIE programs and `qemu -R` have it among the libraries.
inline constexpr Bytes kNeighbourhood = gib(32);
constexpr bool are_neighbours(AddressRange a, AddressRange b) {
  return hull(a, b).size() < kNeighbourhood;
}

// SplitMix64 (Steele et al., 2014): spreads a seed over all bits.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// A random multiple of the grain in [0, limit).
constexpr Bytes random_gap(std::uint64_t random, Bytes limit) {
  const std::uint64_t slots = limit.count / kGrain.count;
  return slots == 0 ? Bytes{} : Bytes{mix(random) % slots * kGrain.count};
}

// How a window and the gap to its anchor share what one displacement can span.
struct Shares {
  Bytes window;
  Bytes gap;
};

// Beside the libraries the gap is where the kernel goes on placing what the host maps later, small
// libraries above all: they stay within reach of the code, and the kernel does not wander into the
// window. A quarter of the span, and up to 64 MiB at random.
constexpr Shares shares_beside_libraries(Bytes wanted, AddressRange anchor, std::uint64_t random) {
  if (anchor.size() + mib(64) >= kMaxSpan) return {};
  // Two grains for rounding the block's ends, and one because the span is strictly less.
  const Bytes span = round_down(kMaxSpan - anchor.size() - kGrain - kGrain - kGrain, kGrain);
  const Bytes gap =
      round_down(span / 4, kGrain) - random_gap(random, mib(64) < span / 8 ? mib(64) : span / 8);
  const Bytes room = span - gap;
  return {round_down(wanted < room ? wanted : room, kGrain), gap};
}

// From a block of window + gap that the kernel placed: the window is the part far from the anchor.
// Nothing when some byte of the window would be out of the anchor's reach.
constexpr std::optional<Layout> carve(AddressRange block, AddressRange anchor, Shares shares) {
  const bool below = anchor.empty() || block.begin < anchor.begin;
  const AddressRange usable{round_up(block.begin, kGrain), round_down(block.end, kGrain)};
  if (usable.empty() || usable.size() < shares.window) return std::nullopt;
  const AddressRange window = below ? range_of(usable.begin, shares.window)
                                    : AddressRange{usable.end - shares.window, usable.end};
  if (!block.contains(window)) return std::nullopt;
  if (!anchor.empty() && !within_span(window, anchor)) return std::nullopt;
  return Layout{window, below};
}

// Beside an executable that lies alone. Below a PIE one: above it grows the brk heap. Above a
// non-PIE one, which begins at 4 MiB: ending where its first byte is still in reach, and leaving
// half of what lies between the heap and there to the heap; code at the far end, out of its way.
constexpr std::optional<Layout> plan_beside_executable(AddressRange exe, Address heap_end,
                                                       Bytes wanted, std::uint64_t random) {
  constexpr Bytes kLowest = mib(1);  // vm.mmap_min_addr is 64 KiB at most by default
  if (exe.size() + mib(2) >= kMaxSpan) return std::nullopt;
  if (exe.begin.value > gib(4).count) {
    const Bytes span = round_down(kMaxSpan - exe.size() - kGrain - kGrain, kGrain);
    const Bytes gap = mib(1) + random_gap(random, mib(256) < span / 8 ? mib(256) : span / 8);
    const Bytes room = span - gap;
    const Bytes size = round_down(wanted < room ? wanted : room, kGrain);
    const Address end = round_down(exe.begin - gap, kGrain);
    if (size < kGrain || end.value < size.count + kLowest.count) return std::nullopt;
    return Layout{{end - size, end}, true};
  }
  const Address end = round_down(exe.begin + kMaxSpan - Bytes{1}, kGrain);
  const Address heap = heap_end < exe.end ? exe.end : heap_end;
  if (end <= heap || end - heap < mib(2)) return std::nullopt;
  const Bytes room = round_down((end - heap) / 2, kGrain);
  const Bytes shift = random_gap(random, room / 8);
  const Bytes usable = room - shift;
  const Bytes size = round_down(wanted < usable ? wanted : usable, kGrain);
  if (size < kGrain) return std::nullopt;
  return Layout{{end - shift - size, end - shift}, true};
}

// Below 2 GiB, where absolute 32-bit relocations reach; below 1 GiB if there is room, since
// MAP_32BIT begins there. The heap of a non-PIE executable keeps half of what lies above it.
constexpr std::optional<Layout> plan_low(AddressRange exe, Address heap_end, Bytes wanted,
                                         std::uint64_t random) {
  constexpr Address kMap32Bit{gib(1).count};
  constexpr Address kTop{gib(2).count - mib(16).count};
  constexpr Bytes kLeast = mib(64);
  Address floor{mib(16).count};
  if (exe.begin < kTop) {
    const Address heap = heap_end < exe.end ? exe.end : heap_end;
    if (heap >= kTop) return std::nullopt;
    const Address ceiling = heap < kMap32Bit ? kMap32Bit : kTop;
    floor = round_up(heap + (ceiling - heap) / 2, kGrain);
  }
  const Bytes least = wanted < kLeast ? wanted : kLeast;
  Address end = kMap32Bit;
  if (floor >= end || end - floor < least) {
    if (floor < kMap32Bit) floor = kMap32Bit;
    end = kTop;
  }
  if (floor >= end) return std::nullopt;
  const Bytes room = round_down(end - floor, kGrain);
  const Bytes shift = random_gap(random, room / 8);
  const Bytes usable = room - shift;
  const Bytes size = round_down(wanted < usable ? wanted : usable, kGrain);
  if (size < kGrain) return std::nullopt;
  return Layout{{end - shift - size, end - shift}, true};
}

}  // namespace jitcorral
