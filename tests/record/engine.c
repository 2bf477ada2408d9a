// Stands for a JIT engine: its library is named like one that the shim knows, so its calls are
// recorded with its role.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/mman.h>

void* engine_map(unsigned long length, int prot) {
  return mmap(0, length, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
void* engine_map_fixed(void* at, unsigned long length) {
  return mmap(at, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}
int engine_protect(void* at, unsigned long length, int prot) {
  return mprotect(at, length, prot);
}
int engine_unmap(void* at, unsigned long length) {
  return munmap(at, length);
}
void* engine_remap(void* at, unsigned long length, unsigned long wanted) {
  return mremap(at, length, wanted, MREMAP_MAYMOVE);
}
