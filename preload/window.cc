#include "window.h"

#include <cerrno>

namespace jitcorral {
namespace {

// Places that turn out to be somebody else's before a call falls back.
constexpr int kMaxTries = 16;
// How often a call looks what of such a place is free: enough to find one page in 2 GiB twice over.
constexpr int kMaxProbes = 96;
// Looks while unshield() holds pages.
constexpr int kMaxWaits = 100000;

constexpr int kFixedFlags = MAP_FIXED | MAP_FIXED_NOREPLACE;

}  // namespace

Window::Geometry Window::decode(std::uint64_t word) {
  if ((word & kOpen) == 0) return {};
  const Address base{(word & ((1ULL << 36) - 1)) * kGrain.count};
  const Bytes size{(word >> 36 & 0xffff) * kGrain.count};
  return {range_of(base, size), (word & kHighCode) != 0};
}

bool Window::begin_opening(std::uintptr_t opener) {
  std::uint64_t seen = 0;
  if (geometry_.compare_exchange_strong(seen, opening_by(opener), std::memory_order_acq_rel))
    return true;
  // Only this thread can have stored its own name, so nobody else is at it.
  return opener != 0 && seen == opening_by(opener);
}

void Window::abandon(std::uintptr_t opener) {
  // Release: pairs with the acq_rel of the next opener.
  std::uint64_t ours = opening_by(opener);
  geometry_.compare_exchange_strong(ours, 0, std::memory_order_release, std::memory_order_relaxed);
}

bool Window::publish(const Site& site, std::uintptr_t opener) {
  const AddressRange window = site.layout.window;
  const std::uint64_t open =
      window.begin.value / kGrain.count | (window.size().count / kGrain.count) << 36 |
      (site.layout.code_at_high_end ? kHighCode : 0) | (site.kernel_first ? kKernelFirst : 0) |
      (site.atomic_fixed ? kAtomicFixed : 0) | (site.shielded ? kAllShielded : 0) | kOpen;
  // One step, so that a handler finds the window either closed or open: it may open the window
  // itself, or leave by longjmp. In the child of one that forked, see forget_others().
  std::uint64_t ours = opening_by(opener);
  if (!geometry_.compare_exchange_strong(ours, open, std::memory_order_acq_rel)) return false;
  anchor_ = site.anchor;
  // The host may have set its limit while we were looking for a place.
  if (site.shielded && !may_shield()) unshield();
  return true;
}

void Window::forget_others() {
  sweeping_.store(0, std::memory_order_relaxed);
  const std::uint64_t word = geometry_.load(std::memory_order_relaxed);
  // This is the child's only thread.
  if ((word & kOpening) != 0) geometry_.store(0, std::memory_order_relaxed);
}

PageRun Window::pages_of(AddressRange r) const {
  const AddressRange window = range();
  const AddressRange part = intersection(window, r);
  if (part.empty()) return {};
  const Address begin = round_down(part.begin, page_.bytes());
  return {{page_.covering(begin - window.begin).count}, page_.covering(part.end - begin)};
}

AddressRange Window::addresses_of(PageRun run) const {
  return range_of(range().begin + page_.bytes(Pages{run.first.value}), page_.bytes(run.length));
}

namespace {

constexpr bool is_data(Kind kind) {
  return kind == Kind::kRodata || kind == Kind::kRwdata;
}

}  // namespace

End Window::end_for(Kind kind) const {
  return code_at_high_end() != is_data(kind) ? End::kHigh : End::kLow;
}

std::optional<PageRun> Window::claim(Bytes length, Kind kind, Bytes alignment) {
  const std::uint64_t base_page = range().begin.value >> page_.shift();
  const auto align_pages = static_cast<std::uint32_t>(alignment.count >> page_.shift());
  if (align_pages == 0 || alignment > range().size()) return std::nullopt;
  PageMap::Wanted wanted{page_.covering(length), capacity(), align_pages,
                         static_cast<std::uint32_t>(base_page & (align_pages - 1)), end_for(kind)};
  return map_.claim(wanted);
}

// As aligned as wished where that costs nothing that matters: room, or the reach of a branch
// between code and code.
std::optional<PageRun> Window::claim(Bytes length, Kind kind, Bytes least, Bytes wished) {
  if (wished <= least) return claim(length, kind, least);
  const auto aligned = claim(length, kind, wished);
  if (!aligned) return claim(length, kind, least);
  if (is_data(kind) || distance_from_end(*aligned, kind) <= kAlignedCodeZone) return aligned;
  // Released first: it may lie where the packed one belongs.
  map_.release(*aligned);
  return claim(length, kind, least);
}

// From the end of the window that this kind is packed from to the far end of the run.
Bytes Window::distance_from_end(PageRun run, Kind kind) const {
  const AddressRange at = addresses_of(run), window = range();
  return end_for(kind) == End::kHigh ? window.end - at.begin : at.end - window.begin;
}

Placed Window::place(const MapCall& call, Kind kind, Bytes least, Bytes wished) {
  int probes = kMaxProbes;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    auto run = claim(call.length, kind, least, wished);
    // unshield() holds pages only to give them back: look again, a bounded number of times.
    for (int waits = 0; !run && is_sweeping() && waits < kMaxWaits; ++waits)
      run = claim(call.length, kind, least, wished);
    if (!run) run = claim(call.length, kind, least, wished);
    if (!run) return {tries == 0 ? PlaceFailure::kFull : PlaceFailure::kForeign, {}, ENOMEM};
    const Placed placed = put(*run, call);
    if (placed.failure == PlaceFailure::kForeign) {
      if (probes == 0) {  // the next call goes on
        map_.release(*run);
        return placed;
      }
      keep_foreign(*run, probes);
      continue;
    }
    if (placed.failure == PlaceFailure::kNone)
      own(*run);
    else
      map_.release(*run);
    return placed;
  }
  return {PlaceFailure::kForeign, {}, EEXIST};
}

bool Window::place_exactly(const MapCall& call, Address at, KernelResult& result) {
  const AddressRange wanted = range_of(at, round_up(call.length, page_.bytes()));
  if (!range().contains(wanted)) return false;
  const PageRun run = pages_of(wanted);
  if (!shield().any(run) || !map_.claim_exact(run)) return false;
  const Placed placed = put(run, call);
  if (placed.failure == PlaceFailure::kForeign) {
    int probes = kMaxProbes;
    keep_foreign(run, probes);
    return false;
  }
  if (placed.failure == PlaceFailure::kNone)
    own(run);
  else
    map_.release(run);
  result = placed.failure == PlaceFailure::kNone ? KernelResult{static_cast<long>(placed.at.value)}
                                                 : KernelResult{-placed.error};
  return true;
}

// What this thread claimed is mapped now, for the host or by somebody else.
void Window::own(PageRun run) {
  mapped_.set(run);
}

// The run is claimed by this thread, so its shield bits are this thread's alone.
Placed Window::put(PageRun run, const MapCall& call) {
  if (shield().all(run)) return put_on_shield(run, call);
  drop_shield(run);
  const AddressRange at = addresses_of(run);
  MapCall placed = call;
  placed.hint = at.begin;
  placed.flags = (call.flags & ~kFixedFlags) | MAP_FIXED_NOREPLACE;
  const KernelResult r = kernel::map(placed);
  if (!r.ok()) {
    if (r.error() == EEXIST) return {PlaceFailure::kForeign, {}, EEXIST};
    return {PlaceFailure::kRefused, {}, r.error()};
  }
  if (r.address() != at.begin) {
    // A kernel before 4.17, an old gVisor or qemu took the address for a hint, and it was taken.
    kernel::unmap(range_of(r.address(), round_up(call.length, page_.bytes())));
    return {PlaceFailure::kUnsupported, {}, EEXIST};
  }
  return {PlaceFailure::kNone, at.begin, 0};
}

Placed Window::put_on_shield(PageRun run, const MapCall& call) {
  const AddressRange at = addresses_of(run);
  MapCall placed = call;
  placed.hint = at.begin;
  placed.flags = (call.flags & ~kFixedFlags) | MAP_FIXED;
  const KernelResult r = kernel::map(placed);
  if (r.ok()) {
    shield().clear(run);
    return {PlaceFailure::kNone, at.begin, 0};
  }
  if (!has(kAtomicFixed)) verify_shield(run);
  if (!may_shield()) drop_shield(run);
  return {PlaceFailure::kRefused, {}, r.error()};
}

// Somebody else's mapping lies in the run, which is claimed: its pages stay so, which is how we
// know of it from now on; those where nothing is mapped are free again. They are found by holding
// halves of halves for a moment, the largest first. What `probes` does not suffice for stays ours
// to avoid.
void Window::keep_foreign(PageRun run, int& probes) {
  own(run);
  if (run.length == Pages{1} || is_frugal()) return;
  constexpr std::uint32_t kQueue = 64;
  PageRun queue[kQueue];
  std::uint32_t first = 0, count = 0;
  const auto halve = [&](PageRun r) {
    if (r.length == Pages{1} || count + 2 > kQueue) return;
    const PageIndex middle = r.first + Pages{r.length.count / 2};
    queue[(first + count++) % kQueue] = {r.first, middle - r.first};
    queue[(first + count++) % kQueue] = {middle, r.end() - middle};
  };
  for (halve(run); count > 0 && probes > 0; --probes) {
    const PageRun part = queue[first];
    first = (first + 1) % kQueue;
    --count;
    unsigned char resident[64];
    if (reshield(part)) {
      kernel::unmap(addresses_of(part));
      forget(part);
    } else if (part.length > Pages{64} || !kernel::mincore(addresses_of(part), resident).ok()) {
      halve(part);
    }
  }
}

// Frees those pages of the run that are mapped by the books; what another thread is placing at this
// moment stays that thread's.
void Window::forget(PageRun run) {
  begin_leaving(run);
  end_leaving(run, true);
}

// Takes the pages of the run that are about to be unmapped away from their owner. Nobody else gets
// them before end_leaving(); what another thread is placing at this moment stays that thread's
// throughout.
void Window::begin_leaving(PageRun run) {
  mapped_.take(run, [&](PageRun part) { leaving_.set(part); });
}

void Window::end_leaving(PageRun run, bool gone) {
  if (gone && has_extents_.load(std::memory_order_relaxed)) {
    cut_extent(run);
    // Before the pages stop leaving: until then extent_at() does not look at these bits.
    for (PageIndex p = run.first; p < run.end();) {
      p = leaving_.next(true, p, run.end());
      const PageIndex stop = leaving_.next(false, p, run.end());
      clear_extents({p, stop - p});
      p = stop;
    }
  }
  leaving_.take(run, [&](PageRun part) {
    if (gone)
      map_.release(part);
    else
      own(part);
  });
}

// The pages that the books have as free are taken along, for they may be somebody's that we never
// met: borrowed, so that they are free again also if the kernel refuses.
KernelResult Window::unmap_part(AddressRange r) {
  const PageRun run = pages_of(r);
  map_.occupy(run, [&](PageRun part) { borrowed_.set(part); });
  begin_leaving(run);
  const KernelResult result = kernel::unmap(r);
  end_leaving(run, result.ok());
  borrowed_.take(run, [&](PageRun part) { map_.release(part); });
  return result;
}

// An extent that begins before the run and ends in it ends before it from now on. All of its pages
// are the caller's to unmap, so nobody else looks at its bits.
void Window::cut_extent(PageRun run) {
  const PageIndex end = extent_end_.next(true, run.first, run.end());
  if (end == run.end() || extent_begin_.next(true, run.first, run.end()) <= end) return;
  // Its beginning may be gone already: then the last extent that begins before the run ends there.
  const PageIndex begun = extent_begin_.previous_end(true, {0}, run.first);
  if (extent_end_.previous_end(true, {0}, run.first) < begun)
    extent_end_.set({{run.first.value - 1}, Pages{1}});
}

KernelResult Window::unmap(AddressRange r) {
  if (!shield().any(pages_of(r))) return unmap_part(r);
  // Our shield lies within: to the host it is a hole. Unmap what is between. What lies behind the
  // window goes first, for there the kernel may refuse the call as a whole.
  if (range().end < r.end) {
    const KernelResult result = kernel::unmap({range().end, r.end});
    if (!result.ok()) return result;
    r.end = range().end;
  }
  Address at = r.begin;
  while (at < r.end) {
    AddressRange hole = shielded_part(r, at);
    if (hole.empty()) hole = {r.end, r.end};
    if (at < hole.begin) {
      const KernelResult result = unmap_part({at, hole.begin});
      if (!result.ok()) return result;
    }
    at = hole.end;
  }
  return {0};
}

Placed Window::move(const RemapCall& call, Kind kind) {
  const Bytes length = round_up(call.new_length, page_.bytes());
  int probes = kMaxProbes;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const auto run = claim(length, kind, page_.bytes(), huge_alignment(length));
    if (!run) return {PlaceFailure::kFull, {}, ENOMEM};
    // mremap knows no NOREPLACE: hold the place first.
    if (!shield().all(*run)) {
      if (is_frugal()) {
        map_.release(*run);
        return {PlaceFailure::kRefused, {}, EPERM};
      }
      drop_shield(*run);
      if (!reshield(*run)) {
        keep_foreign(*run, probes);
        continue;
      }
      shield().set(*run);
    }
    const Address target = addresses_of(*run).begin;
    RemapCall moved = call;
    moved.flags |= MREMAP_MAYMOVE | MREMAP_FIXED;
    moved.target = target;
    const KernelResult r = kernel::remap(moved);
    if (r.ok()) {
      shield().clear(*run);
      own(*run);
      return {PlaceFailure::kNone, target, 0};
    }
    // The kernel unmaps the target before it finds out what else is wrong.
    verify_shield(*run);
    if (!may_shield()) drop_shield(*run);
    map_.release(*run);
    return {PlaceFailure::kRefused, {}, r.error()};
  }
  return {PlaceFailure::kForeign, {}, EEXIST};
}

void Window::clear_extents(PageRun run) {
  extent_begin_.clear(run);
  extent_end_.clear(run);
}

void Window::mark_extent(AddressRange r) {
  const PageRun run = pages_of(r);
  has_extents_.store(true, std::memory_order_relaxed);
  clear_extents(run);  // of what the host made of an earlier one
  extent_end_.set({{run.end().value - 1}, Pages{1}});
  extent_begin_.set({run.first, Pages{1}});
}

AddressRange Window::extent_at(Address a) const {
  if (!contains(a) || !is_aligned(a, page_.bytes())) return {};
  const PageIndex first = pages_of(range_of(a, page_.bytes())).first;
  // First: while an extent is being unmapped, the kernel may have given its place to another
  // allocator, which asks here whose it is. Acquire (in test) pairs with the release in take() of
  // end_leaving(): who sees that the page has left sees that it begins no extent.
  if (leaving_.test(first) || !extent_begin_.test(first)) return {};
  const PageIndex end{capacity().count};
  const PageIndex last = extent_end_.next(true, first, end);
  if (last == end) return {};
  // It ends before the next one begins, whatever the host did to its pages by itself.
  const PageIndex next = extent_begin_.next(true, first + Pages{1}, end);
  const PageIndex stop = next <= last ? next : last + Pages{1};
  return addresses_of({first, stop - first});
}

}  // namespace jitcorral
