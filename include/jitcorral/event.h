// One event of the record: what one call asked, what was decided and why, and what the kernel made
// of it. 64 bytes, fixed, the same on both ISAs (little-endian), so that it can be stored as it is.
//
// Order: by ticket. What takes addresses away (unmap, free, the old side of a move or of a
// MAP_FIXED) has its ticket before the kernel's call, and is followed by kCancel if that failed;
// what brings addresses has it after. So a replay by tickets never sees two owners of a page.
#pragma once

#include <cstdint>
#include <type_traits>

#include "jitcorral/range.h"
#include "jitcorral/vocabulary.h"

namespace jitcorral {

// What was called.
enum class Call : std::uint8_t {
  kNone,
  kMap,       // mmap: [address, +length) is mapped
  kUnmap,     // munmap: [address, +length) goes
  kReplace,   // MAP_FIXED: what lay in [address, +length) goes; a kMap follows
  kMoveFrom,  // mremap: [address, +length) goes
  kMoveTo,    // mremap: [address, +length) is mapped; `other`: where it came from
  kProtect,   // mprotect: [address, +length) now has `prot`
  kAllocate,  // posix_memalign and kin: [address, +length) is the host's
  kFree,      // free and kin: [address, +length) goes
  kCancel,    // the event with ticket `other` did not happen: the kernel refused the call
  kFork,      // the process forked: `other` is the child's pid, 0 if it is not known
  kCount,
};
inline constexpr std::string_view kCallNames[] = {
    "none",    "mmap",           "munmap", "replace", "mremap-from", "mremap-to",
    "protect", "posix_memalign", "free",   "cancel",  "fork"};
static_assert(std::size(kCallNames) == static_cast<std::size_t>(Call::kCount));

// What became of it.
enum class Outcome : std::uint8_t {
  kDone,        // nothing was to decide (unmap, protect, free, ...)
  kSteered,     // placed inside the window (or, by scatter, far from everything)
  kPassed,      // as the host made it; `reason` is a PassReason
  kFellBack,    // meant for the window, made again as the host made it; `reason` is a PlaceFailure
  kFailed,      // refused with ENOMEM (JITCORRAL_ON_FULL=fail); `reason` is a PlaceFailure
  kWouldSteer,  // under observe: auto would have steered it
  kCount,
};
inline constexpr std::string_view kOutcomeNames[] = {"done",      "steered", "passed",
                                                     "fell back", "failed",  "would steer"};
static_assert(std::size(kOutcomeNames) == static_cast<std::size_t>(Outcome::kCount));

struct Event {
  std::uint64_t ticket;       // position in the process's record, from 0, without gaps
  std::uint64_t time;         // CLOCK_MONOTONIC, ns
  std::uint64_t address;      // first byte
  std::uint64_t length;       // bytes, rounded up to pages by the shim
  std::uint64_t other;        // see Call; for kMap the host's hint
  std::uint64_t fingerprint;  // of the call path; 0: not taken
  std::uint32_t flags;        // mmap's flags; mremap's for kMoveTo
  std::uint32_t thread;  // bits 0-23: tid, 0 if unknown; bits 24-31: errno of the failure, or 0
  std::uint32_t site;    // where the call came from: offset in the ring's texts; 0: unknown
  Call call;
  Outcome outcome;
  std::uint8_t reason;     // see Outcome
  std::uint8_t prot_kind;  // bits 0-3: PROT_READ | PROT_WRITE | PROT_EXEC; bits 4-7: Kind

  AddressRange range() const { return range_of(Address{address}, Bytes{length}); }
  std::uint32_t tid() const { return thread & 0xffffffU; }
  int error() const { return static_cast<int>(thread >> 24); }
  int prot() const { return prot_kind & 0xf; }
  Kind kind() const { return static_cast<Kind>(prot_kind >> 4); }
};
static_assert(sizeof(Event) == 64 && std::is_trivially_copyable_v<Event>);

// Whether an event can be what the shim wrote: enumerations in their range, the range in the user's
// half of the address space. For readers, who trust nothing.
constexpr bool is_plausible(const Event& e) {
  constexpr std::uint64_t kEnd = 1ULL << 56;
  return e.call > Call::kNone && e.call < Call::kCount && e.outcome < Outcome::kCount &&
         (e.prot_kind >> 4) < static_cast<unsigned>(Kind::kCount) && e.address < kEnd &&
         e.length < kEnd;
}

}  // namespace jitcorral
