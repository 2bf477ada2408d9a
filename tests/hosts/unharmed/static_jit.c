/* A JIT in a static executable, which no preload reaches: maps memory, writes functions into it,
   makes it executable, calls them. Computes for a while, so that who lists processes can see it. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __aarch64__
static const uint32_t function[] = {0x52800540 /* mov w0, #42 */, 0xd65f03c0 /* ret */};
#else
static const uint8_t function[] = {0xb8, 42, 0, 0, 0 /* mov eax, 42 */, 0xc3 /* ret */};
#endif

int main(void) {
  unsigned long sum = 0;
  for (int module = 0; module < 16; ++module) {
    void* code = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) return 1;
    memcpy(code, function, sizeof function);
    if (mprotect(code, 16384, PROT_READ | PROT_EXEC) != 0) return 1;
    __builtin___clear_cache((char*)code, (char*)code + sizeof function);
    int (*call)(void) = (int (*)(void))code;
    for (int i = 0; i < 4000000; ++i) sum += (unsigned long)call();
  }
  printf("%lu\n", sum);
  return 0;
}
