// The window: the one address range of the process that its JIT mappings are steered into, and the
// books of who has which page of it.
//
// A page is in one of these states:
//
//   shielded      free, and held by a PROT_NONE mapping of ours (only where the kernel would place
//                 mappings by itself)
//   bare          free, and not mapped by us
//   claimed       being placed by the thread that claimed it
//   mapped        claimed, and mapped by the host, or found to be somebody else's
//   leaving       claimed by the thread that is unmapping it
//
// A claimed run is mapped by MAP_FIXED if all of it was shielded, else by MAP_FIXED_NOREPLACE:
// nothing but our own shield is ever replaced. Unmapping is the host's own munmap, and leaves bare
// pages; so a pair of calls costs what it costs without us. Bare pages that the kernel gave to
// somebody else answer EEXIST and stay claimed.
//
// Every operation is lock-free and async-signal-safe. fork copies mappings and books together.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "bitmap.h"
#include "jitcorral/vocabulary.h"
#include "kernel.h"
#include "layout.h"
#include "page_map.h"
#include "shield.h"

namespace jitcorral {

struct Placed {
  PlaceFailure failure = PlaceFailure::kNone;
  Address at;
  int error = 0;
};

// A place for the window, found by opening.cc.
struct Site {
  Layout layout;
  AddressRange anchor;        // what the window is near; empty: nothing
  bool shielded = false;      // the range is already held by a PROT_NONE mapping
  bool atomic_fixed = false;  // a MAP_FIXED that fails leaves what was there (Linux 6.12)
  bool kernel_first = false;  // beside the libraries without a shield: the kernel's own choice is
                              // taken where it lies inside
};

// The kernel aligns anonymous mappings of whole huge pages (Linux 6.7; only whole ones since 6.13
// and the stable series of that time); so do we. 0: no more than a page.
constexpr Bytes huge_alignment(Bytes length) {
  const bool whole = length >= mib(2) && round_down(length, mib(2)) == length;
  return whole ? mib(2) : Bytes{};
}

// At the end that code is packed from, huge alignment may leave gaps only this far: up to half of
// it, so that at least 116 MiB of code of any sizes lie within 128 MiB, the reach of aarch64's BL.
inline constexpr Bytes kAlignedCodeZone = mib(24);

class Window {
 public:
  bool is_open() const { return (geometry_.load(std::memory_order_acquire) & kOpen) != 0; }
  // Empty while closed.
  AddressRange range() const { return decode(geometry_.load(std::memory_order_acquire)).window; }
  bool code_at_high_end() const {
    return decode(geometry_.load(std::memory_order_acquire)).code_at_high_end;
  }
  bool overlaps(AddressRange r) const { return range().overlaps(r); }
  bool contains(Address a) const { return range().contains(a); }

  // Exactly one thread gets true, and then calls publish() or abandon(). Never waits. `opener`
  // (an address, 8-byte aligned) tells threads apart: one that left its opening by longjmp gets
  // true again.
  bool begin_opening(std::uintptr_t opener = 0);
  // False if the opening is this thread's no more: a signal handler took it for abandoned, and
  // opened the window itself or abandoned it. The caller gives its place back.
  bool publish(const Site& site, std::uintptr_t opener = 0);
  void abandon(std::uintptr_t opener = 0);
  // Whether some thread is between begin_opening() and publish().
  bool is_opening() const { return has(kOpening); }
  AddressRange anchor() const { return is_open() ? anchor_ : AddressRange{}; }
  bool kernel_first() const {
    return (geometry_.load(std::memory_order_acquire) & kKernelFirst) != 0;
  }

  // Places a mapping with the host's own protection and flags. `call.hint` and the fixed flags in
  // it are not looked at. `least`, at least a page, is the alignment that it must have; `wished`
  // one that it gets if that keeps it near the others of its kind.
  Placed place(const MapCall& call, Kind kind, Bytes least, Bytes wished = {});

  // The same, at exactly `at`, which lies inside: false if the kernel must decide.
  bool place_exactly(const MapCall& call, Address at, KernelResult& result);

  // The host unmaps a range that touches the window.
  KernelResult unmap(AddressRange r);

  // Moves a mapping to a new place inside the window (mremap with MREMAP_MAYMOVE).
  Placed move(const RemapCall& call, Kind kind);

  // Before the host maps at a fixed place: takes our shield away from there, so that the kernel
  // sees what it would see without us. After: `settle`.
  struct Lifted {
    AddressRange part;  // of the host's range, inside the window
  };
  Lifted lift(AddressRange r);
  // The host's call succeeded: the pages are its own. It failed: they are bare.
  void settle(const Lifted& lifted, bool mapped);

  // The first shielded part of `r` at or behind `from`: to the host these addresses are unmapped.
  AddressRange shielded_part(AddressRange r, Address from) const;
  bool any_shielded(AddressRange r) const;

  // These pages of the window are no longer mapped by anybody; bare pages that are free again.
  void forget(AddressRange r) { forget(pages_of(r)); }
  // Whether any page of `r` is claimed.
  bool any_claimed(AddressRange r) const { return map_.any_claimed(pages_of(r)); }
  // The pages of the window that lie in `r`.
  PageRun pages_of(AddressRange r) const;

  // From now on no kind of system call is made that the host's own call is not (a seccomp filter
  // arrived).
  void be_frugal(bool yes) { frugal_.store(yes, std::memory_order_relaxed); }
  bool is_frugal() const { return frugal_.load(std::memory_order_relaxed); }

  // In a forked child: what the parent's other threads were at is never finished.
  void forget_others();

  // Gives every free page back to the kernel and never holds one again: the host set a limit that
  // would count them (RLIMIT_AS, mlockall).
  void unshield();
  // A mapping that grows down begins at `at`: makes sure that it can, as it could without us.
  void let_grow_down(Address at);
  bool may_shield() const { return !no_shield_.load(std::memory_order_acquire); }
  // Also before the window opens: it will then be opened without a shield.
  void forbid_shield() { no_shield_.store(true, std::memory_order_release); }

  PageSize page_size() const { return page_; }
  void set_page_size(PageSize page) { page_ = page; }

  // Allocator calls that we serve: where such an extent begins and ends.
  void mark_extent(AddressRange r);
  // The extent that begins at `a`; empty if none does.
  AddressRange extent_at(Address a) const;

  // Whether a call that finds the window full may be early: unshield() is at work.
  bool is_sweeping() const { return sweeping_.load(std::memory_order_acquire) != 0; }

 private:
  struct Geometry {
    AddressRange window;
    bool code_at_high_end = false;
  };
  static constexpr std::uint64_t kHighCode = 1ULL << 52;
  static constexpr std::uint64_t kKernelFirst = 1ULL << 53;
  static constexpr std::uint64_t kAtomicFixed = 1ULL << 54;  // see Site
  bool has(std::uint64_t flag) const {
    return (geometry_.load(std::memory_order_acquire) & flag) != 0;
  }
  static constexpr std::uint64_t kAllShielded = 1ULL << 55;  // it began so
  static constexpr std::uint64_t kOpening = 1ULL << 62;      // the opener / 8 in bits 0-51
  static constexpr std::uint64_t kOpen = 1ULL << 63;
  static constexpr std::uint64_t opening_by(std::uintptr_t opener) {
    return kOpening | (opener / 8 & ((1ULL << 52) - 1));
  }
  static Geometry decode(std::uint64_t word);

  AddressRange addresses_of(PageRun run) const;
  End end_for(Kind kind) const;
  Shield<PageMap::kMaxPages> shield() const { return {shield_changed_, has(kAllShielded)}; }
  Pages capacity() const { return page_.covering(range().size()); }

  std::optional<PageRun> claim(Bytes length, Kind kind, Bytes alignment);
  std::optional<PageRun> claim(Bytes length, Kind kind, Bytes least, Bytes wished);
  Bytes distance_from_end(PageRun run, Kind kind) const;
  Placed put(PageRun run, const MapCall& call);
  Placed put_on_shield(PageRun run, const MapCall& call);
  void drop_shield(PageRun run);
  bool reshield(PageRun run);
  void verify_shield(PageRun run);
  void keep_foreign(PageRun run, int& probes);
  void cut_extent(PageRun run);
  void clear_extents(PageRun run);
  void forget(PageRun run);
  void begin_leaving(PageRun run);
  void end_leaving(PageRun run, bool gone);
  KernelResult unmap_part(AddressRange r);
  void own(PageRun run);
  void sweep_shield(PageRun run);

  // Once it is open: base / 64 KiB in bits 0-35, size / 64 KiB in 36-51, then the flags above. The
  // release in publish() pairs with the acquire in every reader: who sees the window sees how its
  // shield began. Only its opener, named in it, takes it out of kOpening.
  std::atomic<std::uint64_t> geometry_{0};
  // Zero means yes: the books are zero-initialised memory that is not there until it is touched.
  std::atomic<bool> no_shield_{false};
  std::atomic<bool> frugal_{false};
  AddressRange anchor_;
  PageSize page_;
  PageMap map_;
  mutable AtomicBitmap<PageMap::kMaxPages> shield_changed_;  // see shield()
  std::atomic<bool> has_extents_{false};
  std::atomic<std::uint32_t> sweeping_{0};  // how many are at it
  AtomicBitmap<PageMap::kMaxPages> mapped_;
  AtomicBitmap<PageMap::kMaxPages> leaving_;
  AtomicBitmap<PageMap::kMaxPages> borrowed_;  // claimed for the time of an unmap, but not leaving
  AtomicBitmap<PageMap::kMaxPages> extent_begin_;
  AtomicBitmap<PageMap::kMaxPages> extent_end_;  // on the last page
};

}  // namespace jitcorral
