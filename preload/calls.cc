#include "calls.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cerrno>

#include "call_path.h"
#include "caller.h"
#include "engine_path.h"
#include "guard.h"
#include "messages.h"
#include "process.h"
#include "say.h"
#include "steer.h"
#include "window_calls.h"
#include "witness.h"

namespace jitcorral::calls {
namespace {

// The host maps at a place of its own choice that touches the window.
KernelResult map_fixed(const MapCall& call) {
  const AddressRange wanted = pages_around(call.hint, call.length);
  KernelResult r;
  if ((call.flags & MAP_FIXED) == 0 && process.window.place_exactly(call, call.hint, r)) return r;
  const Window::Lifted lifted = process.window.lift(wanted);
  r = steering::map_as_host(call);
  process.window.settle(lifted, r.ok() && r.address() == call.hint);
  return r;
}

// A call at a place of the host's own choice.
KernelResult pass_fixed(const MapCall& call, const void* site) {
  process.record.note_passed(PassReason::kFixed);
  const AddressRange wanted = pages_around(call.hint, call.length);
  const bool in_window = concerns_window(call.hint, call.length);
  if (!in_window && !recorder::watches(wanted)) {
    const KernelResult r = steering::map_as_host(call);
    witness::passed(call, PassReason::kFixed, Role::kNone, site, r);
    return r;
  }
  const bool replaces = (call.flags & MAP_FIXED) != 0;
  const std::uint64_t ticket =
      replaces ? witness::going(Call::kReplace, wanted, site) : RingWriter::kDropped;
  const KernelResult r = in_window ? map_fixed(call) : steering::map_as_host(call);
  witness::gone(ticket, r);
  witness::mapped_there(call, site, r);
  return r;
}

// A hint into the window from a caller that is not steered: bare, a free place would be granted.
KernelResult pass_hinted(const MapCall& call) {
  KernelResult r;
  if (is_aligned(call.hint, page()) && process.window.place_exactly(call, call.hint, r) && r.ok())
    return r;
  r = steering::map_as_host(call);
  if (r.ok() && process.window.contains(r.address()))
    process.window.settle({pages_around(r.address(), call.length)}, true);
  return r;
}

[[gnu::always_inline]] inline KernelResult pass(const MapCall& call, PassReason reason, Role role,
                                                const void* site) {
  process.record.note_passed(reason);
  const KernelResult r = call.hint.value != 0 && process.window.contains(call.hint)
                             ? pass_hinted(call)
                             : steering::map_as_host(call);
  witness::passed(call, reason, role, site, r);
  return r;
}

// Under observe: as the host made it, and recorded as what auto would have steered.
KernelResult observe(const MapCall& call, const Caller& caller, const void* site) {
  process.record.note_would_steer();
  const KernelResult r = kernel::map(call);
  if (!r.ok()) return r;
  // Where CPython's arena lay a moment ago: what becomes executable now is not CPython's.
  process.suspects.forget(pages_around(r.address(), call.length));
  if (!recorder::is_wanted()) return r;
  recorder::Note n;
  n.call = Call::kMap;
  n.outcome = Outcome::kWouldSteer;
  n.prot = call.prot;
  n.flags = call.flags;
  n.at = pages_around(r.address(), call.length);
  n.other = call.hint.value;
  n.fingerprint = call_path::fingerprint(site, caller.role);
  n.site = site;
  n.role = caller.role;
  recorder::note(n);
  return r;
}

void note_globs(const Caller& caller) {
  if (caller.included != 0) process.record.note_glob(true, caller.included - 1U);
  if (caller.excluded != 0) process.record.note_glob(false, caller.excluded - 1U);
}

}  // namespace

KernelResult map(const MapCall& call, const void* site) {
  if (!is_active()) return kernel::map(call);
  if (const auto reason = screen(call, settings, process.window.range(), process.max)) {
    const KernelResult r = *reason == PassReason::kFixed ? pass_fixed(call, site)
                                                         : pass(call, *reason, Role::kNone, site);
    if ((call.flags & MAP_GROWSDOWN) != 0 && r.ok()) process.window.let_grow_down(r.address());
    return r;
  }
  const Guard guard;
  Caller caller = callers::at(site);
  if (caller.is_interceptor && guard.outermost()) [[unlikely]] {
    site = callers::behind_interceptors(site);
    caller = callers::at(site);
  }
  note_globs(caller);
  auto reason = guard.outermost() ? decide(call, caller, Door::kMmap, settings)
                                  : std::optional(PassReason::kCaller);
  // A steered call is rare enough to make sure that its caller is still loaded.
  if (!reason && caller.role != Role::kNone) {
    reason = decide(call, callers::confirmed_at(site), Door::kMmap, settings);
    if (!reason && engine_path::decided_by_role(caller, settings) &&
        !engine_path::is_generators(site, caller.role))
      reason = PassReason::kSignature;
  }
  if (reason) {
    const KernelResult r = pass(call, *reason, caller.role, site);
    if (!r.ok()) return r;
    if (*reason == PassReason::kCaller && has_signature(Role::kLearned, call))
      process.suspects.mapped(range_of(r.address(), call.length), site);
    else if (caller.role != Role::kNone)
      process.suspects.forget(range_of(r.address(), call.length));
    return r;
  }
  if (settings.mode == Mode::kObserve) return observe(call, caller, site);
  return steering::map(call, caller, site);
}

KernelResult unmap(Address begin, Bytes length) {
  const Address plain{arch::untag(begin.value)};
  if (!concerns_window(plain, length)) {
    const bool watched = recorder::is_on() && recorder::watches(pages_around(plain, length));
    if (!watched) return kernel::unmap(range_of(begin, length));
    const std::uint64_t ticket = witness::going(Call::kUnmap, pages_around(plain, length));
    const KernelResult r = kernel::unmap(range_of(begin, length));
    witness::gone(ticket, r);
    return r;
  }
  process.record.note_given_back();
  const std::uint64_t ticket = witness::going(Call::kUnmap, pages_around(plain, length));
  const KernelResult r = process.window.unmap(pages_around(plain, length));
  witness::gone(ticket, r);
  return r;
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

}  // namespace

KernelResult protect(Address begin, Bytes length, int prot, int pkey, const void* site) {
  const auto make = [&](AddressRange r) {
    return pkey == kNoPkey ? kernel::protect(r, prot)
                           : kernel::call(SYS_pkey_mprotect, kernel::as_long(r.begin),
                                          kernel::as_long(r.size()), prot, pkey);
  };
  const Address plain{arch::untag(begin.value)};
  if (!concerns_window(plain, length)) {
    const KernelResult r = make(range_of(begin, length));
    const bool recorded = r.ok() && recorder::is_on() && length.count != 0;
    Suspects::Suspect suspect;
    if ((prot & PROT_EXEC) != 0 && r.ok() && is_active()) {
      suspect = process.suspects.holder_of(plain);
      if (suspect.site != nullptr) {
        callers::learn(suspect.site);
        process.suspects.forget(suspect.range);  // known by now
      }
    }
    if (recorded) witness::protected_as(pages_around(plain, length), prot, false, suspect, site);
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
  if (!r.ok()) return r;
  process.learner.protected_as(process.window.pages_of(whole), prot);
  witness::protected_as(whole, prot, true, {}, site);
  return r;
}

KernelResult advise(Address begin, Bytes length, int advice) {
  // MADV_POPULATE_READ and _WRITE (Linux 5.14) end at a hole; all others go on behind it.
  constexpr int kPopulateRead = 22, kPopulateWrite = 23;
  const bool populates = advice == kPopulateRead || advice == kPopulateWrite;
  return over(begin, length, populates ? AtHole::kStop : AtHole::kGoOn, [&](AddressRange r) {
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
  recorder::before_filter();
  // Before the filter is in force: no line must be in the middle of its calls.
  // Sequentially consistent: pairs with who asks the kernel for the record.
  const bool was_filtered = process.filtered.exchange(true, std::memory_order_seq_cst);
  recorder::let_finish();
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

int closed_library(int result) {
  const int kept = errno;
  if (is_active()) callers::forget_unloaded();
  errno = kept;
  return result;
}

KernelResult control(int operation, long a, long b, long c, long d) {
  const auto make = [&] { return kernel::call(SYS_prctl, operation, a, b, c, d); };
  // Without a filter it is a question to the kernel, no filter's arrival.
  const bool arrives = operation == PR_SET_SECCOMP && (a != SECCOMP_MODE_FILTER || b != 0);
  return arrives ? with_filter_arriving(make) : make();
}

KernelResult seccomp(unsigned operation, unsigned flags, void* args) {
  const auto make = [&] {
    return kernel::call(SYS_seccomp, operation, static_cast<long>(flags), kernel::as_long(args));
  };
  const bool arrives = operation == SECCOMP_SET_MODE_STRICT ||
                       (operation == SECCOMP_SET_MODE_FILTER && args != nullptr);
  return arrives ? with_filter_arriving(make) : make();
}

}  // namespace jitcorral::calls
