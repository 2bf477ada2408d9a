// System calls that a seccomp filter may forbid, against filters that arrive.
#pragma once

#include <atomic>

#include "kernel.h"
#include "process.h"

namespace jitcorral {

// Whether the kernel may be asked for things that the host does not ask for.
inline bool may_ask() {
  return !process.filtered.load(std::memory_order_relaxed);
}

// A thread that is between its look at `filtered` and the end of such a call. Who brings a filter
// for all threads waits for them.
class Asking {
 public:
  // Sequentially consistent, with recorder::let_finish(): either we see the filter's mark, or it
  // sees us.
  Asking() {
    threads_.fetch_add(1, std::memory_order_seq_cst);
    may_ = !process.filtered.load(std::memory_order_seq_cst);
  }
  ~Asking() { threads_.fetch_sub(1, std::memory_order_release); }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  bool may() const { return may_; }

  static bool any() { return threads_.load(std::memory_order_seq_cst) != 0; }
  // In a forked child: they are the parent's.
  static void forget() { threads_.store(0, std::memory_order_relaxed); }

 private:
  static inline constinit std::atomic<std::uint32_t> threads_{0};
  bool may_;
};

// Lets others run. False: a filter has arrived, which may forbid it.
inline bool yield_unless_filtered() {
  const Asking ask;
  if (ask.may()) kernel::yield();
  return ask.may();
}

// Blocks all signals but a filter's; `before`: the mask until then. False, and nothing is changed:
// a filter has arrived, which may forbid it.
inline bool block_signals_unless_filtered(kernel::SignalSet& before) {
  const Asking ask;
  if (ask.may()) before = kernel::block_signals(kernel::kAllButSigsys);
  return ask.may();
}

}  // namespace jitcorral
