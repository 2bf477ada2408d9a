// Maps a page as a JIT does. Built twice: under the name of an engine, and under none.
#include <stddef.h>
#include <sys/mman.h>

void* maps(void) {
  void* volatile p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p;
}
