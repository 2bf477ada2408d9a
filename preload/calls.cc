#include "calls.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cerrno>

#include "caller.h"
#include "guard.h"
#include "messages.h"
#include "process.h"
#include "say.h"
#include "steer.h"

namespace jitcorral::calls {
namespace {

bool is_active() {
  return process.active.load(std::memory_order_acquire);
}

Bytes page() {
  return process.window.page_size().bytes();
}

AddressRange pages_around(Address begin, Bytes length) {
  return range_of(begin, round_up(length, page()));
}

// Whether a call over this range concerns the window. What the kernel would refuse for its form
// does not: it gets to refuse it.
bool concerns_window(Address begin, Bytes length) {
  return length.count != 0 && is_aligned(begin, page()) && length < gib(1ULL << 17) &&
         process.window.overlaps(pages_around(begin, length));
}

// The host maps at a place of its own choice that touches the window.
KernelResult map_fixed(const MapCall& call) {
  const AddressRange wanted = pages_around(call.hint, call.length);
  KernelResult r;
  if ((call.flags & MAP_FIXED) == 0 && process.window.place_exactly(call, call.hint, r)) return r;
  const Window::Lifted lifted = process.window.lift(wanted);
  r = kernel::map(call);
  process.window.settle(lifted, r.ok() && r.address() == call.hint);
  return r;
}

KernelResult pass(const MapCall& call, PassReason reason) {
  process.record.note_passed(reason);
  return steering::map_as_host(call);
}

// A hint into the window from a caller that is not steered: bare, a free place would be granted.
KernelResult pass_hinted(const MapCall& call, PassReason reason) {
  process.record.note_passed(reason);
  KernelResult r;
  if (is_aligned(call.hint, page()) && process.window.place_exactly(call, call.hint, r) && r.ok())
    return r;
  r = kernel::map(call);
  if (r.ok() && process.window.contains(r.address()))
    process.window.settle({pages_around(r.address(), call.length)}, true);
  return r;
}

void note_globs(const Caller& caller) {
  if (caller.included != 0) process.record.note_glob(true, caller.included - 1U);
  if (caller.excluded != 0) process.record.note_glob(false, caller.excluded - 1U);
}

}  // namespace

KernelResult map(const MapCall& call, const void* site) {
  if (!is_active()) return kernel::map(call);
  const AddressRange window = process.window.range();
  if (const auto reason = screen(call, settings, window, process.max)) {
    if (*reason == PassReason::kFixed && concerns_window(call.hint, call.length)) {
      process.record.note_passed(*reason);
      return map_fixed(call);
    }
    if (window.contains(call.hint)) return pass_hinted(call, *reason);
    return pass(call, *reason);
  }
  const Guard guard;
  const Caller caller = callers::at(site);
  note_globs(caller);
  auto reason = guard.outermost() ? decide(call, caller, Door::kMmap, settings)
                                  : std::optional(PassReason::kCaller);
  // A steered call is rare enough to make sure that its caller is still loaded.
  if (!reason && caller.role != Role::kNone) {
    reason = decide(call, callers::confirmed_at(site), Door::kMmap, settings);
  }
  if (reason) {
    if (window.contains(call.hint)) return pass_hinted(call, *reason);
    const KernelResult r = pass(call, *reason);
    if (*reason == PassReason::kCaller && r.ok() && has_signature(Role::kLearned, call))
      process.suspects.mapped(range_of(r.address(), call.length), site);
    return r;
  }
  if (settings.mode == Mode::kObserve) {
    process.record.note_would_steer();
    return kernel::map(call);
  }
  return steering::map(call, caller, site);
}

KernelResult unmap(Address begin, Bytes length) {
  const Address plain{arch::untag(begin.value)};
  if (!concerns_window(plain, length)) return kernel::unmap(range_of(begin, length));
  process.record.note_given_back();
  return process.window.unmap(pages_around(plain, length));
}

namespace {

enum class AtHole { kStop, kGoOn };

// Makes a call over the parts of the range that are not our shield, as the kernel makes it over the
// parts that are mapped: a hole ends it with ENOMEM, at once or behind the last part.
template <typename Call>
KernelResult over(Address begin, Bytes length, AtHole at_hole, Call call) {
  const Address plain{arch::untag(begin.value)};
  const AddressRange whole = pages_around(plain, length);
  if (!concerns_window(plain, length) || !process.window.any_shielded(whole))
    return call(range_of(begin, length));
  // An invalid flag is refused before any hole is found: a call over nothing finds out.
  KernelResult r = call(range_of(plain, Bytes{0}));
  if (!r.ok()) return r;
  for (Address at = plain; at < whole.end;) {
    AddressRange hole = process.window.shielded_part(whole, at);
    if (hole.empty()) hole = {whole.end, whole.end};
    if (at < hole.begin) {
      r = call(AddressRange{at, hole.begin});
      if (!r.ok() && (at_hole == AtHole::kStop || r.error() != ENOMEM)) return r;
    }
    if (at_hole == AtHole::kStop && !hole.empty()) break;
    at = hole.end;
  }
  return {-ENOMEM};
}

// Grows a mapping where it is, over free pages of the window.
KernelResult grow_in_place(const RemapCall& call, AddressRange old) {
  RemapCall in_place = call;
  in_place.flags &= ~MREMAP_MAYMOVE;
  const AddressRange more{old.end, old.begin + round_up(call.new_length, page())};
  if (process.window.any_claimed(more)) return kernel::remap(in_place);  // and be refused
  const Window::Lifted lifted = process.window.lift(more);
  const KernelResult r = kernel::remap(in_place);
  process.window.settle(lifted, r.ok());
  return r;
}

// To a place that the host names.
KernelResult remap_to_target(const RemapCall& call, AddressRange old) {
  const AddressRange target = pages_around(call.target, call.new_length);
  const Window::Lifted lifted = process.window.lift(target);
  const KernelResult r = kernel::remap(call);
  process.window.settle(lifted, r.ok());
  if (r.ok() && (call.flags & MREMAP_DONTUNMAP) == 0) process.window.forget(old);
  return r;
}

}  // namespace

KernelResult remap(const RemapCall& call, const void* site) {
  const AddressRange old =
      pages_around(Address{arch::untag(call.old_address.value)}, call.old_length);
  const bool to_target = (call.flags & MREMAP_FIXED) != 0;
  const Bytes new_length = round_up(call.new_length, page());
  const bool grows = new_length > old.size();
  const AddressRange touched = hull(old, to_target ? pages_around(call.target, call.new_length)
                                                   : range_of(old.begin, new_length));
  const bool sane = is_aligned(old.begin, page()) && call.new_length.count != 0 &&
                    call.old_length < gib(1ULL << 17) && call.new_length < gib(1ULL << 17);
  if (!process.window.is_open() || !sane || !process.window.overlaps(touched))
    return kernel::remap(call);
  const bool copies = call.old_length.count == 0 || (call.flags & MREMAP_DONTUNMAP) != 0;
  if (process.window.any_shielded(old)) {
    // To the host these pages are not mapped. What stays as it is, kernels judge differently: this
    // one may. Shrinking does not look at what it cuts off.
    if (grows || to_target || copies) return {-EFAULT};
    if (new_length == old.size()) return kernel::remap(call);
    const AddressRange kept = range_of(old.begin, new_length);
    if (process.window.any_shielded(kept)) return {-EFAULT};
    const KernelResult r = process.window.unmap({kept.end, old.end});
    return r.ok() ? KernelResult{static_cast<long>(old.begin.value)} : r;
  }
  if (to_target) return remap_to_target(call, old);

  if (!grows && !copies) {
    const KernelResult r = kernel::remap(call);
    if (r.ok() && new_length < old.size())
      process.window.forget(AddressRange{old.begin + new_length, old.end});
    return r;
  }
  if (!copies) {
    const KernelResult r = grow_in_place(call, old);
    if (r.ok() || r.error() != ENOMEM || (call.flags & MREMAP_MAYMOVE) == 0) return r;
  }
  // It has to move: what lay inside stays inside.
  if (process.window.contains(old.begin)) {
    const Placed moved = process.window.move(call, Kind::kUnknown);
    if (moved.failure == PlaceFailure::kNone) {
      if (!copies) process.window.forget(old);
      process.record.note_steered();
      return {static_cast<long>(moved.at.value)};
    }
    const bool fails = settings.on_full == OnFull::kFail && moved.failure == PlaceFailure::kFull;
    if (fails) {
      process.record.note_failed();
      messages::fell_back("mremap", call.new_length, moved, true, site);
      return {-ENOMEM};
    }
    const KernelResult r = kernel::remap(call);
    if (!r.ok()) return r;
    if (!copies) process.window.forget(old);
    if (!process.window.contains(r.address())) {
      process.record.note_fell_back();
      messages::fell_back("mremap", call.new_length, moved, false, site);
    }
    process.window.settle({intersection(process.window.range(), range_of(r.address(), new_length))},
                          true);
    return r;
  }
  const KernelResult r = kernel::remap(call);
  if (r.ok()) {
    if (!copies && r.address() != old.begin) process.window.forget(old);
    process.window.settle({intersection(process.window.range(), range_of(r.address(), new_length))},
                          true);
  }
  return r;
}

KernelResult protect(Address begin, Bytes length, int prot, int pkey) {
  const auto make = [&](AddressRange r) {
    return pkey == kNoPkey ? kernel::protect(r, prot)
                           : kernel::call(SYS_pkey_mprotect, kernel::as_long(r.begin),
                                          kernel::as_long(r.size()), prot, pkey);
  };
  const Address plain{arch::untag(begin.value)};
  if (!concerns_window(plain, length)) {
    const KernelResult r = make(range_of(begin, length));
    if ((prot & PROT_EXEC) != 0 && r.ok() && is_active()) {
      if (const void* site = process.suspects.site_of(plain)) callers::learn(site);
    }
    return r;
  }
  const AddressRange whole = pages_around(plain, length);
#if defined(__x86_64__)
  // A call over nothing, by which over() finds bad flags out, is not enough for a bad protection.
  constexpr int kKnown =
      PROT_READ | PROT_WRITE | PROT_EXEC | 8 /* PROT_SEM */ | PROT_GROWSDOWN | PROT_GROWSUP;
  constexpr int kPkeys = 16;
  if ((prot & ~kKnown) != 0) return {-EINVAL};
  if (pkey != kNoPkey && (pkey < 0 || pkey >= kPkeys)) return {-EINVAL};
#endif
  const KernelResult r = over(begin, length, AtHole::kStop, make);
  if (r.ok()) process.learner.protected_as(process.window.pages_of(whole), prot);
  return r;
}

KernelResult advise(Address begin, Bytes length, int advice) {
  return over(begin, length, AtHole::kGoOn, [&](AddressRange r) {
    return kernel::call(SYS_madvise, kernel::as_long(r.begin), kernel::as_long(r.size()), advice);
  });
}

KernelResult mincore(Address begin, Bytes length, unsigned char* out) {
  return over(begin, length, AtHole::kStop, [&](AddressRange r) {
    const Bytes offset = r.begin - begin;
    return kernel::mincore(r, out + (offset.count >> process.window.page_size().shift()));
  });
}

bool sync_meets_shield(Address begin, Bytes length) {
  return concerns_window(begin, length) && process.window.any_shielded(pages_around(begin, length));
}

KernelResult sync(Address begin, Bytes length, int flags) {
  return over(begin, length, AtHole::kGoOn, [&](AddressRange r) {
    return kernel::call(SYS_msync, kernel::as_long(r.begin), kernel::as_long(r.size()), flags);
  });
}

namespace {

// mlock and its kin take any address, and mean the pages around it.
KernelResult over_pages(long number, Address begin, Bytes length, long flags) {
  const Address first = round_down(begin, page());
  return over(first, length + (begin - first), AtHole::kStop, [&](AddressRange r) {
    return kernel::call(number, kernel::as_long(r.begin), kernel::as_long(r.size()), flags);
  });
}

}  // namespace

KernelResult lock(Address begin, Bytes length) {
  return over_pages(SYS_mlock, begin, length, 0);
}
KernelResult unlock(Address begin, Bytes length) {
  return over_pages(SYS_munlock, begin, length, 0);
}
KernelResult lock2(Address begin, Bytes length, unsigned flags) {
  return over_pages(SYS_mlock2, begin, length, static_cast<long>(flags));
}

KernelResult bind(long begin, long length, long mode, long nodes, long most, long flags) {
  const Address first{static_cast<std::uint64_t>(begin)};
  const Bytes size{static_cast<std::uint64_t>(length)};
  if (concerns_window(first, size) && process.window.any_shielded(pages_around(first, size)))
    return {-EFAULT};
  return kernel::call(SYS_mbind, begin, length, mode, nodes, most, flags);
}

KernelResult seal(Address begin, Bytes length, unsigned long flags) {
  // All or nothing: a hole is found before anything is sealed.
  if (concerns_window(begin, length) && process.window.any_shielded(pages_around(begin, length)))
    return {-ENOMEM};
  return kernel::call(kMseal, kernel::as_long(begin), kernel::as_long(length),
                      static_cast<long>(flags));
}

KernelResult lock_all(int flags) {
  if (is_active()) process.window.unshield();
  return kernel::call(SYS_mlockall, flags);
}

KernelResult limit_set(KernelResult r, int resource) {
  if (r.ok() && resource == RLIMIT_AS && is_active() && steering::is_address_space_limited())
    process.window.unshield();
  return r;
}

namespace {

template <typename Call>
KernelResult with_filter_arriving(Call call) {
  // Before the filter is in force: no line must be in the middle of its calls.
  const bool was_filtered = process.filtered.exchange(true, std::memory_order_relaxed);
  say::fall_silent(true);
  process.window.be_frugal(true);
  const KernelResult r = call();
  if (!r.ok() && !was_filtered) {
    process.filtered.store(false, std::memory_order_relaxed);
    say::fall_silent(false);
    process.window.be_frugal(false);
  }
  return r;
}

}  // namespace

KernelResult control(int operation, long a, long b, long c, long d) {
  const auto make = [&] { return kernel::call(SYS_prctl, operation, a, b, c, d); };
  return operation == PR_SET_SECCOMP ? with_filter_arriving(make) : make();
}

KernelResult seccomp(unsigned operation, unsigned flags, void* args) {
  const auto make = [&] {
    return kernel::call(SYS_seccomp, operation, static_cast<long>(flags), kernel::as_long(args));
  };
  const bool arrives = operation == SECCOMP_SET_MODE_STRICT || operation == SECCOMP_SET_MODE_FILTER;
  return arrives ? with_filter_arriving(make) : make();
}

}  // namespace jitcorral::calls
