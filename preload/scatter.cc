#include "scatter.h"

#include <cerrno>

namespace jitcorral {
namespace {

constexpr unsigned kPageShift = 12;
constexpr std::uint64_t kSizeBits = (1ULL << 24) - 1;

std::size_t home(Address begin, std::size_t slots) {
  return mix(begin.value >> kPageShift) % slots;
}

}  // namespace

KernelResult Scatter::map(const MapCall& call, AddressRange space, std::uint64_t random,
                          Bytes alignment) {
  constexpr int kMaxTries = 64;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    MapCall placed = call;
    placed.hint =
        scattered(space, next_.fetch_add(1, std::memory_order_relaxed), random, alignment);
    placed.flags |= MAP_FIXED_NOREPLACE;
    if (!space.contains(range_of(placed.hint, call.length))) continue;
    const KernelResult r = kernel::map(placed);
    if (r.ok() && r.address() == placed.hint) return r;
    if (r.ok()) kernel::unmap(range_of(r.address(), call.length));
    if (!r.ok() && r.error() != EEXIST) return r;
  }
  return {-EEXIST};
}

std::size_t Scatter::find(Address begin) const {
  for (std::size_t probe = 0; probe < 64; ++probe) {
    const std::size_t i = (home(begin, kExtents) + probe) % kExtents;
    const std::uint64_t word = extents_[i].load(std::memory_order_acquire);
    if (word == 0) break;
    if (word != kGone && word >> 24 == begin.value >> kPageShift) return i;
  }
  return kExtents;
}

bool Scatter::remember(AddressRange extent) {
  const std::uint64_t pages = extent.size().count >> kPageShift;
  if (pages > kSizeBits) return false;
  forget(extent.begin);  // the host may have unmapped an earlier one by itself
  const std::uint64_t word = (extent.begin.value >> kPageShift) << 24 | pages;
  for (std::size_t probe = 0; probe < 64; ++probe) {
    const std::size_t i = (home(extent.begin, kExtents) + probe) % kExtents;
    std::uint64_t seen = extents_[i].load(std::memory_order_relaxed);
    if (seen > kGone) continue;
    // Release: pairs with the acquire in find().
    if (extents_[i].compare_exchange_strong(seen, word, std::memory_order_release)) return true;
  }
  return false;
}

AddressRange Scatter::extent_at(Address begin) const {
  const std::size_t i = find(begin);
  if (i == kExtents) return {};
  return range_of(begin,
                  Bytes{(extents_[i].load(std::memory_order_acquire) & kSizeBits) << kPageShift});
}

void Scatter::forget(Address begin) {
  const std::size_t i = find(begin);
  if (i != kExtents) extents_[i].store(kGone, std::memory_order_release);
}

}  // namespace jitcorral
