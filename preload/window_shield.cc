// The shield: the PROT_NONE mapping that holds the window's free pages, and what keeps it out of
// the host's sight.
#include "window.h"

namespace jitcorral {

// After a failed call that may have unmapped the shield below the run (MAP_FIXED before Linux 6.12,
// MREMAP_FIXED always): holds it again, or finds that it never went. If the addresses are not ours
// any more, the run is bare.
//
// The kernel unmaps all of the run or nothing, so any sign of somebody else is one for all of it:
// a page that is not mapped, or one that can be read. What is missed is a stranger that took the
// whole run in these few instructions and lets nobody read its edges yet.
void Window::verify_shield(PageRun run) {
  if (reshield(run)) return;
  if (is_frugal()) {
    shield().clear(run);
    return;
  }
  const AddressRange at = addresses_of(run);
  if (kernel::is_readable(at.begin) || kernel::is_readable(at.end - page_.bytes())) {
    shield().clear(run);
    return;
  }
  unsigned char resident[64];
  for (PageIndex p = run.first; p < run.end();) {
    const Pages left = run.end() - p;
    const PageRun part{p, left < Pages{64} ? left : Pages{64}};
    if (!kernel::mincore(addresses_of(part), resident).ok()) {
      shield().clear(run);
      return;
    }
    p = part.end();
  }
}

// Holds the run again if nothing at all is mapped there.
bool Window::reshield(PageRun run) {
  const AddressRange at = addresses_of(run);
  const KernelResult r = kernel::reserve(at.begin, at.size(), MAP_FIXED_NOREPLACE);
  if (r.ok() && r.address() == at.begin) return true;
  if (r.ok()) kernel::unmap(range_of(r.address(), at.size()));
  return false;
}

// Unmaps our shield from the run and leaves bare pages. The caller has claimed the run, or is about
// to give the whole shield up.
void Window::drop_shield(PageRun run) {
  for (PageIndex p = run.first; p < run.end();) {
    p = shield().next(true, p, run.end());
    const PageIndex stop = shield().next(false, p, run.end());
    if (p < stop) {
      const PageRun part{p, stop - p};
      kernel::unmap(addresses_of(part));
      shield().clear(part);
    }
    p = stop;
  }
}

Window::Lifted Window::lift(AddressRange r) {
  const PageRun run = pages_of(r);
  for (PageIndex p = run.first; p < run.end();) {
    p = shield().next(true, p, run.end());
    const PageIndex stop = shield().next(false, p, run.end());
    // A page that is being placed right now by another thread is claimed and stays that thread's.
    if (p < stop && map_.claim_exact({p, stop - p})) {
      drop_shield({p, stop - p});
      map_.release({p, stop - p});
    }
    p = stop;
  }
  return {run.empty() ? AddressRange{} : addresses_of(run)};
}

void Window::settle(const Lifted& lifted, bool mapped) {
  if (lifted.part.empty() || !mapped) return;
  const PageRun run = pages_of(lifted.part);
  // An allocator's extent that the host maps over by itself stays one extent: it will be freed
  // whole.
  shield().clear(run);
  map_.occupy(run, [](PageRun) {});
  own(run);
}

AddressRange Window::shielded_part(AddressRange r, Address from) const {
  const PageRun run = pages_of({from, r.end});
  const PageIndex begin = shield().next(true, run.first, run.end());
  const PageIndex end = shield().next(false, begin, run.end());
  if (!(begin < end)) return {};
  return intersection(addresses_of({begin, end - begin}), r);
}

bool Window::any_shielded(AddressRange r) const {
  return shield().any(pages_of(r));
}

void Window::unshield() {
  forbid_shield();
  if (!is_open()) return;
  // Release: pairs with the acquire in is_sweeping(), whose callers then wait for what is held
  // here.
  sweeping_.fetch_add(1, std::memory_order_release);
  sweep_shield({{0}, capacity()});
  // In a child that a handler on this thread forked it is zero already.
  std::uint32_t now = sweeping_.load(std::memory_order_relaxed);
  while (now != 0 && !sweeping_.compare_exchange_weak(now, now - 1, std::memory_order_release,
                                                      std::memory_order_relaxed)) {
  }
}

void Window::let_grow_down(Address at) {
  // As far as stacks usually may grow, and the gap that the kernel keeps below them.
  constexpr Bytes kRoom = mib(8) + mib(1);
  if (at.value < kRoom.count) return;
  const AddressRange room{at - kRoom, at};
  // To take the shield away is a kind of call that a filter may not allow.
  if (!overlaps(room) || is_frugal()) return;
  if (any_shielded(range())) unshield();
  // Nor must anything be placed there.
  map_.occupy(pages_of(room), [&](PageRun part) { own(part); });
}

// Gives the free pages of the run that are shielded back to the kernel. Small pieces, so that
// little is missing to other threads meanwhile; where a page of a piece is being placed, page by
// page.
void Window::sweep_shield(PageRun run) {
  constexpr Pages kPiece{512};
  for (PageIndex p = run.first; p < run.end();) {
    p = shield().next(true, p, run.end());
    PageIndex stop = shield().next(false, p, run.end());
    if (stop - p > kPiece) stop = p + kPiece;
    PageRun piece{p, stop - p};
    p = stop;
    if (piece.empty()) continue;
    if (map_.claim_exact(piece)) {
      drop_shield(piece);
      map_.release(piece);
      continue;
    }
    for (PageIndex q = piece.first; q < piece.end(); q = q + Pages{1}) {
      if (!shield().test(q) || !map_.claim_exact({q, Pages{1}})) continue;
      drop_shield({q, Pages{1}});
      map_.release({q, Pages{1}});
    }
  }
}

}  // namespace jitcorral
