/* N pairs of mmap + first touch + munmap, for a system call count by strace. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char** argv) {
  const long pairs = argc > 1 ? atol(argv[1]) : 1;
  const size_t size = argc > 2 ? (size_t)atol(argv[2]) : 65536;
  for (long i = 0; i < pairs; ++i) {
    char* p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return 1;
    *(volatile char*)p = 1;
    if (munmap(p, size) != 0) return 1;
  }
  return 0;
}
