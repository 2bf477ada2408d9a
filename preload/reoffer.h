// A reader that died took the ring's only descriptor with it: nothing is kept open in the host. So
// the ring is offered again, as a copy, once its reader's heartbeat stands still.
//
// Looked at with the events, whose time is read anyway, and every 5 s at most. Where no recorder
// listens nothing is made. An offer that nobody takes up lies in the recorder's queue until that
// dies, half a MiB each, so they get rarer: after 5, 10, ... 60 s, and from the eighth on after 10
// minutes. Of the process itself: two rings are mapped at most, the one that was left last for late
// writers; and up to eight more, each for a thread that died or was stopped in the middle of an
// event.
#pragma once

#include <atomic>
#include <cstdint>

namespace jitcorral::reoffer {

// The time from which on look() is to be called; UINT64_MAX: never.
extern std::atomic<std::uint64_t> look_at;

// There is a ring, whose reader is to be looked after from now on.
void begin(std::uint64_t now);
// Looks whether the reader lives, and offers the ring again if not.
void look(std::uint64_t now);
// The last look, when the process exits.
void end(std::uint64_t now);
void on_fork_child();

}  // namespace jitcorral::reoffer
