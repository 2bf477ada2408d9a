// The only place of the shim that enters the kernel on aarch64, and what differs between ISAs.
#pragma once

#include <cstdint>

namespace jitcorral::arch {

// The kernel's own convention: a result in [-4095, -1] is a negated errno.
inline long syscall6(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc #0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory", "cc");
  return x0;
}

// XPACLRI (a hint, so a no-op before Armv8.3) removes the authentication code from x30.
inline const void* strip_return_address(const void* address) {
  register const void* x30 asm("x30") = address;
  asm("hint #7" : "+r"(x30));
  return x30;
}

// Top-byte ignore: munmap, mprotect and madvise accept tagged addresses, book-keeping must not.
constexpr unsigned long untag(unsigned long address) {
  return static_cast<unsigned long>(static_cast<long>(address << 8) >> 8);
}

// Adds one to a counter that only this thread writes, also from its signal handlers.
inline void count_own(std::uint64_t& counter) {
  __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
}

}  // namespace jitcorral::arch
