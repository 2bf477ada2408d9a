// A page that the kernel empties in every forked child, however it was forked: what is read there
// was written by this process. The mapped ring is not inherited, so its address must not be either.
#pragma once

#include <atomic>

#include "kernel.h"

namespace jitcorral {

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18  // Linux 4.14
#endif

struct ForkMark {
  std::atomic<void*> ring{nullptr};
};

// Null until the process first needs one. Children inherit the page, empty.
extern std::atomic<ForkMark*> fork_mark;
// Whether the kernel empties it (qemu's user mode says so, but does not; neither does it drop the
// ring, so that nothing is lost but the difference between two processes).
extern std::atomic<bool> fork_mark_is_wiped;

// The ring of this very process; null if it has none.
inline void* ring_of_this_process() {
  const ForkMark* mark = fork_mark.load(std::memory_order_acquire);
  return mark == nullptr ? nullptr : mark->ring.load(std::memory_order_acquire);
}

}  // namespace jitcorral
