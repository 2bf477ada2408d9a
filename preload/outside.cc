// Which addresses outside the window the record knows of.
#include "recorder.h"

namespace jitcorral::recorder {

constinit std::atomic<std::uint64_t> outside_low{0};
constinit std::atomic<std::uint64_t> outside_high{0};

void widen_outside(AddressRange at) {
  if (process.window.range().contains(at)) return;
  std::uint64_t low = outside_low.load(std::memory_order_relaxed);
  while ((low == 0 || at.begin.value < low) &&
         !outside_low.compare_exchange_weak(low, at.begin.value, std::memory_order_relaxed)) {
  }
  std::uint64_t high = outside_high.load(std::memory_order_relaxed);
  while (at.end.value > high &&
         !outside_high.compare_exchange_weak(high, at.end.value, std::memory_order_relaxed)) {
  }
}

}  // namespace jitcorral::recorder
