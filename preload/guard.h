// What every interposed call keeps: errno as it was unless it fails, and no second decision while
// the thread is inside one.
#pragma once

#include <cerrno>
#include <cstdint>

#include "kernel.h"

namespace jitcorral {

// Marks the thread as deciding. A mapping call that arrives meanwhile (from an allocator that the
// unwinder woke, or from a signal handler) passes through; the books are kept all the same.
class Guard {
 public:
  // A guard that lies deeper in the stack than this one was left by longjmp, and guards nothing.
  Guard() : outer_(inside_), outermost_(inside_ == 0 || here() >= inside_) { inside_ = here(); }
  ~Guard() { inside_ = outermost_ ? 0 : outer_; }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  bool outermost() const { return outermost_; }
  // Names the calling thread, for as long as it lives.
  static std::uintptr_t thread() { return reinterpret_cast<std::uintptr_t>(&inside_); }

 private:
  std::uintptr_t here() const { return reinterpret_cast<std::uintptr_t>(this); }

  // Where the thread's guard lies; 0: it is not deciding.
  static constinit thread_local std::uintptr_t inside_;
  std::uintptr_t outer_;
  bool outermost_;
};

// The kernel's answer as libc gives it.
inline long to_libc(KernelResult r) {
  if (r.ok()) return r.raw;
  errno = r.error();
  return -1;
}

}  // namespace jitcorral
