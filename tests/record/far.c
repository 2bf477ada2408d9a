// An engine as old LLVM is on x86-64: code reaches data by 32 bits, and it aborts where it does
// not.
#include <stdio.h>
#include <stdlib.h>

void* engine_map(unsigned long length, int prot);
int engine_protect(void* at, unsigned long length, int prot);

int main(void) {
  // Long work before: others map things, so that the places are the kernel's to choose.
  for (int i = 0; i < 20; ++i) {
    char* code = engine_map(16384, 3);
    char* data = engine_map(16384, 3);
    code[0] = (char)0xc3;
    if (engine_protect(code, 16384, 5) != 0) return 1;
    const long distance = code > data ? code - data : data - code;
    if (distance >= 1L << 31) {
      fprintf(stderr, "far: LLVM ERROR: relocation out of range\n");
      abort();
    }
  }
  puts("near");
  return 0;
}
