// The descriptors that we hold at this moment, for the few system calls between opening and closing
// one. A process that another thread forks just then has copies of them, which its atfork handler
// closes.
#pragma once

#include <atomic>

#include "kernel.h"

namespace jitcorral::held {

// Descriptor + 1, so that zero-initialised memory says none.
inline constinit std::atomic<int> descriptors[8];

inline void keep(int fd) {
  for (std::atomic<int>& entry : descriptors) {
    int none = 0;
    if (entry.compare_exchange_strong(none, fd + 1, std::memory_order_relaxed)) return;
  }
}
// Its number is the host's, or will be in a moment.
inline void forget(int fd) {
  for (std::atomic<int>& entry : descriptors) {
    int ours = fd + 1;
    if (entry.compare_exchange_strong(ours, 0, std::memory_order_relaxed)) return;
  }
}
inline void close(int fd) {
  forget(fd);
  kernel::close(fd);
}
inline void close_all_in_child() {
  for (std::atomic<int>& entry : descriptors)
    if (const int fd = entry.exchange(0, std::memory_order_relaxed); fd != 0) kernel::close(fd - 1);
}

}  // namespace jitcorral::held
