// A caller that is no JIT by name: its memory becomes executable, and what it maps later is served.
#include "scenario.h"

typedef int (*function)(void);

int main(void) {
  int right = 0, served = 0;
  for (int i = 0; i < 200; ++i) {
    unsigned char* p = map(2 * PAGE);
    NEED(p);
    served += inside(p);
#if defined(__x86_64__)
    const unsigned char text[] = {0xb8, (unsigned char)i, 0, 0, 0, 0xc3};
#else
    const unsigned text[] = {0x52800000u | (unsigned)i << 5, 0xd65f03c0u};
#endif
    memcpy(p, text, sizeof text);
    NEED(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
    __builtin___clear_cache((char*)p, (char*)p + PAGE);
    function f;
    memcpy(&f, &(void*){p}, sizeof f);
    right += f() == i;
    if (i % 3) NEED(munmap(p, 2 * PAGE) == 0);
  }
  aside("served %d", served);
  fact("right %d", right);
  return 0;
}
