// A host whose one mapping JITCORRAL_POLICY=all steers; it needs libc alone, so it runs in any root.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int main(void) {
  char* block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return 1;
  memset(block, 1, 1 << 20);
  puts("mapped");
  return 0;
}
