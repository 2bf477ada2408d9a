#include "analyze/address_space.h"

#include <sys/mman.h>

#include <utility>

namespace jitcorral::analyze {
namespace {

void note_protection(Extent& extent, int prot) {
  extent.prot = static_cast<std::uint8_t>(prot);
  if ((prot & PROT_EXEC) != 0) extent.ever_executable = true;
  if ((prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) == PROT_READ) extent.ever_read_only = true;
  if ((prot & PROT_WRITE) != 0) extent.ever_writable = true;
  if (prot != PROT_NONE) extent.ever_accessible = true;
}

}  // namespace

AddressSpace::Live::iterator AddressSpace::cut(Address at) {
  auto next = live_.lower_bound(at.value);
  if (next == live_.begin()) return next;
  const auto before = std::prev(next);
  Extent& low = extents_[before->second];
  if (!(at < low.range.end)) return next;
  Extent high = low;
  low.range.end = at;
  high.range.begin = at;
  const auto index = static_cast<std::uint32_t>(extents_.size());
  extents_.push_back(high);
  return live_.emplace_hint(next, at.value, index);
}

void AddressSpace::add(const Extent& extent) {
  live_[extent.range.begin.value] = static_cast<std::uint32_t>(extents_.size());
  extents_.push_back(extent);
}

void AddressSpace::map(AddressRange range, std::uint32_t mapping, int prot, std::uint64_t ticket,
                       Step step) {
  if (range.empty()) return;
  unmap(range, step);
  Extent extent;
  extent.range = range;
  extent.ticket = ticket;
  extent.mapping = mapping;
  extent.born = step;
  note_protection(extent, prot);
  // Memory that is mapped read-only was never made so.
  extent.ever_read_only = false;
  add(extent);
}

void AddressSpace::unmap(AddressRange range, Step step) {
  if (range.empty()) return;
  auto at = cut(range.begin);
  const auto end = cut(range.end);
  for (; at != end; at = live_.erase(at)) {
    ++visited_;
    extents_[at->second].died = step;
  }
}

void AddressSpace::protect(AddressRange range, int prot, std::vector<AddressRange>* gaps) {
  if (range.empty()) return;
  auto at = cut(range.begin);
  const auto end = cut(range.end);
  Address covered = range.begin;
  for (; at != end; ++at) {
    ++visited_;
    Extent& extent = extents_[at->second];
    if (covered < extent.range.begin) gaps->push_back({covered, extent.range.begin});
    covered = extent.range.end;
    note_protection(extent, prot);
  }
  if (covered < range.end) gaps->push_back({covered, range.end});
}

std::vector<Extent> AddressSpace::pieces(AddressRange range) {
  std::vector<Extent> found;
  if (range.empty()) return found;
  auto at = live_.upper_bound(range.begin.value);
  if (at != live_.begin()) --at;
  for (; at != live_.end() && at->first < range.end.value; ++at) {
    ++visited_;
    Extent piece = extents_[at->second];
    piece.range = intersection(piece.range, range);
    if (!piece.range.empty()) found.push_back(piece);
  }
  return found;
}

std::vector<Extent> AddressSpace::move_out(AddressRange range, Step step) {
  std::vector<Extent> found;
  if (range.empty()) return found;
  auto at = cut(range.begin);
  const auto end = cut(range.end);
  for (; at != end; at = live_.erase(at)) {
    visited_ += 8;  // it makes an extent, where others only look at one
    Extent& extent = extents_[at->second];
    extent.died = step;
    extent.moved = true;
    found.push_back(extent);
  }
  return found;
}

void AddressSpace::move_in(AddressRange range, const Extent& piece, std::uint64_t ticket,
                           Step step) {
  if (range.empty()) return;
  unmap(range, step);
  Extent extent = piece;
  extent.range = range;
  extent.ticket = ticket;
  extent.born = step;
  extent.died = kStillThere;
  extent.moved = false;
  add(extent);
}

void AddressSpace::start_over() {
  std::vector<Extent> kept;
  kept.reserve(live_.size());
  for (auto& [begin, index] : live_) {
    kept.push_back(extents_[index]);
    kept.back().born = 0;
    kept.back().ticket = 0;
    index = static_cast<std::uint32_t>(kept.size() - 1);
  }
  extents_ = std::move(kept);
}

}  // namespace jitcorral::analyze
