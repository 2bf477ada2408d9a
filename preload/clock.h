// CLOCK_MONOTONIC by the vdso: no system call, and none of libc's symbols, which a host may have
// replaced (libfaketime).
#pragma once

#include <cstdint>

namespace jitcorral::clock {

// From the constructor.
void prepare();
// Nanoseconds; 0 if it cannot be had without a system call and `may_ask` is false.
std::uint64_t now(bool may_ask);
// The same as of the latest tick, some milliseconds ago: for a fifth of the price.
std::uint64_t lately(bool may_ask);

}  // namespace jitcorral::clock
