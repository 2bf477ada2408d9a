#include "witness.h"

#include "caller.h"
#include "guard.h"
#include "process.h"

namespace jitcorral::witness {
namespace {

AddressRange pages_of(Address begin, Bytes length) {
  return range_of(begin, round_up(length, process.window.page_size().bytes()));
}

recorder::Note note_of(const MapCall& call, const void* site, KernelResult r) {
  recorder::Note n;
  n.call = Call::kMap;
  n.prot = call.prot;
  n.flags = call.flags;
  n.at = pages_of(r.address(), call.length);
  n.other = call.hint.value;
  n.site = site;
  return n;
}

bool is_private_file(const MapCall& call) {
  return (call.flags & MAP_ANONYMOUS) == 0 && (call.flags & MAP_TYPE) == MAP_PRIVATE;
}

}  // namespace

void passed_slowly(const MapCall& call, PassReason reason, const void* site, KernelResult r) {
  if (!r.ok() || is_private_file(call)) return;
  const bool is_executable = (call.prot & PROT_EXEC) != 0;
  const bool observes = settings.mode == Mode::kObserve && recorder::is_open();
  // A stack is never an engine's, and its mapping must not be delayed by a first look at a module.
  if (!is_executable && !observes && reason == PassReason::kFlags) return;
  const Guard guard;
  const Role role = callers::at(site).role;
  if (role == Role::kNone && !is_executable && !observes) return;
  recorder::Note n = note_of(call, site, r);
  n.outcome = Outcome::kPassed;
  n.reason = static_cast<std::uint8_t>(reason);
  n.role = role;
  n.kind = is_executable ? Kind::kCode : Kind::kUnknown;
  recorder::note(n);
}

std::uint64_t going(Call call, AddressRange at, const void* site) {
  if (!recorder::is_on() || at.empty()) return RingWriter::kDropped;
  recorder::Note n;
  n.call = call;
  n.at = at;
  n.site = site;
  return recorder::note(n);
}

void mapped_there(const MapCall& call, const void* site, KernelResult r) {
  if (!recorder::is_on() || !r.ok()) return;
  const Guard guard;
  recorder::Note n = note_of(call, site, r);
  n.outcome = Outcome::kPassed;
  n.reason = static_cast<std::uint8_t>(PassReason::kFixed);
  n.role = callers::at(site).role;
  recorder::note(n);
}

void moved(AddressRange from, AddressRange to, int flags, const void* site) {
  if (!recorder::is_on()) return;
  const Guard guard;
  recorder::Note n;
  n.call = Call::kMoveTo;
  n.at = to;
  n.other = from.begin.value;
  n.flags = flags;
  n.site = site;
  n.role = callers::at(site).role;
  recorder::note(n);
}

void protected_slowly(AddressRange at, int prot, const Suspects::Suspect& suspect,
                      const void* site) {
  const Guard guard;
  recorder::Note n;
  n.at = at;
  n.prot = prot;
  if (suspect.site != nullptr) {
    // Its mapping was none of the record's until now.
    n.call = Call::kMap;
    n.outcome = Outcome::kPassed;
    n.reason = static_cast<std::uint8_t>(PassReason::kCaller);
    n.site = suspect.site;
    n.at = suspect.range;
    n.role = callers::at(suspect.site).role;
    n.prot = PROT_READ | PROT_WRITE;
    recorder::note(n);
    n.at = at;
    n.prot = prot;
  }
  n.call = Call::kProtect;
  n.outcome = Outcome::kDone;
  n.reason = 0;
  n.site = site;
  n.role = site == nullptr ? Role::kNone : callers::at(site).role;
  recorder::note(n);
}

}  // namespace jitcorral::witness
