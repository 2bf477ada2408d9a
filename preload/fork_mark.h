// A page that the kernel empties in every forked child, however it was forked: what is read there
// was written by this process. The parent's ring stays mapped in the child, since a handler may
// fork in the middle of an event; but no event of the child's goes there. (qemu's user mode empties
// nothing: there the atfork handler does.)
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
// The ring of this very process; null if it has none.
inline void* ring_of_this_process() {
  const ForkMark* mark = fork_mark.load(std::memory_order_acquire);
  return mark == nullptr ? nullptr : mark->ring.load(std::memory_order_acquire);
}

}  // namespace jitcorral
