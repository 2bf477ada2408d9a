// The record of this process: one event a call, into the ring that a recorder reads.
//
// The ring is made at the first event; a process that has none makes nothing. Nothing here ever
// waits for the recorder, and what cannot be recorded is counted. Thread- and signal-safe.
#pragma once

#include <atomic>
#include <cstdint>

#include "decide.h"
#include "jitcorral/event.h"
#include "jitcorral/hello.h"
#include "process.h"
#include "ring_writer.h"

namespace jitcorral::recorder {

// From the constructor, once the policy is known: says hello if a recorder was named.
void begin();
// From the destructor.
void end();
// In a forked child: its record is its own, and so are its counts.
void on_fork_child();
// Before a seccomp filter comes into force: what needs the kernel is done now, or never.
void before_filter();
// After `filtered` was set: waits, not without bound, for threads that did not see it yet.
void let_finish();

// What is recorded of a call besides the process's own things.
struct Note {
  Call call = Call::kNone;
  Outcome outcome = Outcome::kDone;
  std::uint8_t reason = 0;
  Kind kind = Kind::kUnknown;
  int prot = 0;
  int flags = 0;
  int error = 0;
  AddressRange at;
  std::uint64_t other = 0;
  std::uint64_t fingerprint = 0;
  const void* site = nullptr;
  Role role = Role::kNone;
};

enum class State : std::uint32_t {
  kOff,      // nothing is recorded
  kAbsent,   // no recorder was there, or none that had room; a later event looks again
  kWaiting,  // wanted: the first event makes the ring
  kOpening,
  kOpen,
};
extern std::atomic<State> state;

// Whether an event would be recorded. A load, no more.
inline bool is_on() {
  return state.load(std::memory_order_relaxed) > State::kAbsent;
}
// The same of a placement, by which a recorder is looked for again where none was.
bool looks_again();
inline bool is_wanted() {
  return is_on() || (state.load(std::memory_order_relaxed) == State::kAbsent && looks_again());
}
// Whether events were recorded already.
inline bool is_open() {
  return state.load(std::memory_order_relaxed) == State::kOpen;
}

// Records; its ticket, or RingWriter::kDropped.
std::uint64_t note(const Note& note);
// The event of that ticket did not happen after all.
void cancel(std::uint64_t ticket);

// Recorded mappings outside the window lie between these; what becomes of that range is recorded
// too. Under observe, of all ranges once there is a record.
extern std::atomic<std::uint64_t> outside_low, outside_high;  // high 0: there are none
void widen_outside(AddressRange at);
inline bool watches(AddressRange range) {
  if (!is_on()) return false;
  if (settings.mode == Mode::kObserve) return is_open();
  const std::uint64_t high = outside_high.load(std::memory_order_relaxed);
  return high != 0 && range.begin.value < high &&
         range.end.value > outside_low.load(std::memory_order_relaxed);
}

// The window is open: readers may know.
void window_opened();
void tell_window(ring::Header& header);

}  // namespace jitcorral::recorder
