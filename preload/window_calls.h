// What the files of calls.h share: which pages a call is about, and whether they concern the
// window.
#pragma once

#include "process.h"

namespace jitcorral::calls {

inline bool is_active() {
  return process.active.load(std::memory_order_acquire);
}

inline Bytes page() {
  return process.window.page_size().bytes();
}

inline AddressRange pages_around(Address begin, Bytes length) {
  return range_of(begin, round_up(length, page()));
}

// Whether a call over this range concerns the window. What the kernel would refuse for its form
// does not: it gets to refuse it.
inline bool concerns_window(Address begin, Bytes length) {
  return length.count != 0 && is_aligned(begin, page()) && length < gib(1ULL << 17) &&
         process.window.overlaps(pages_around(begin, length));
}

}  // namespace jitcorral::calls
