// The only place of the shim that enters the kernel on x86-64, and what differs between ISAs.
#pragma once

#include <cstdint>

namespace jitcorral::arch {

// The kernel's own convention: a result in [-4095, -1] is a negated errno.
inline long syscall6(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

// x86-64 user code carries no pointer authentication and mmap takes no tagged addresses.
inline const void* strip_return_address(const void* address) {
  return address;
}
constexpr unsigned long untag(unsigned long address) {
  return address;
}

// Adds one to a counter that only this thread writes, also from its signal handlers: one
// instruction, so no handler comes between, and no lock on the bus.
inline void count_own(std::uint64_t& counter) {
  asm volatile("addq $1, %0" : "+m"(counter) : : "cc");
}

}  // namespace jitcorral::arch
