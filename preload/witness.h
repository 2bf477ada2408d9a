// What calls.cc and allocator.cc tell the recorder: which of the calls that were not steered are
// part of the record, and in which order. Each is a load and a branch while nothing is recorded.
#pragma once

#include "learn.h"
#include "process.h"
#include "recorder.h"

namespace jitcorral::witness {

// A mapping call that passed. Recorded are those of JIT engines, those that are executable, and
// under observe all of them. `role`: of the caller, as far as it was looked at.
void passed_slowly(const MapCall& call, PassReason reason, const void* site, KernelResult r);
inline void passed(const MapCall& call, PassReason reason, Role role, const void* site,
                   KernelResult r) {
  if (!recorder::is_on()) return;
  // Most calls end here: a caller that is no JIT's, a stack, a file. Behind these reasons nobody
  // has looked at the caller yet.
  const bool is_unseen = reason == PassReason::kFixed || reason == PassReason::kHint ||
                         reason == PassReason::kSize || reason == PassReason::kPolicy;
  if (is_unseen || role != Role::kNone || (call.prot & PROT_EXEC) != 0 ||
      settings.mode == Mode::kObserve) [[unlikely]]
    passed_slowly(call, reason, site, r);
}

// Something of ours or of the record's is about to go; the ticket for gone(). A mapping that will
// replace it is told by replaced().
std::uint64_t going(Call call, AddressRange at, const void* site = nullptr);
// It went, or the kernel refused.
inline void gone(std::uint64_t ticket, KernelResult r) {
  if (ticket != RingWriter::kDropped && !r.ok()) [[unlikely]]
    recorder::cancel(ticket);
}

// A mapping at an address of the host's own choice, over what was recorded.
void mapped_there(const MapCall& call, const void* site, KernelResult r);

// mremap, done.
void moved(AddressRange from, AddressRange to, int flags, const void* site);

// mprotect, done. `suspect`: the mapping that it is in, if its caller was not known to be a JIT.
void protected_slowly(AddressRange at, int prot, const Suspects::Suspect& suspect,
                      const void* site);
inline void protected_as(AddressRange at, int prot, bool in_window,
                         const Suspects::Suspect& suspect, const void* site) {
  if (!recorder::is_on()) return;
  // What becomes executable anywhere is part of the record: that is how code of a JIT is seen that
  // nobody knows.
  if (in_window || (prot & PROT_EXEC) != 0 || recorder::watches(at))
    protected_slowly(at, prot, suspect, site);
}

}  // namespace jitcorral::witness
