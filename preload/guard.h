// What every interposed call keeps: errno as it was unless it fails, and no second decision while
// the thread is inside one.
#pragma once

#include <cerrno>

#include "kernel.h"

namespace jitcorral {

// Marks the thread as deciding. A mapping call that arrives meanwhile (from an allocator that the
// unwinder woke, or from a signal handler) passes through; the books are kept all the same.
class Guard {
 public:
  Guard() : outermost_(!inside_) { inside_ = true; }
  ~Guard() {
    if (outermost_) inside_ = false;
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  bool outermost() const { return outermost_; }

 private:
  static constinit thread_local bool inside_;
  bool outermost_;
};

// The kernel's answer as libc gives it.
inline long to_libc(KernelResult r) {
  if (r.ok()) return r.raw;
  errno = r.error();
  return -1;
}

}  // namespace jitcorral
