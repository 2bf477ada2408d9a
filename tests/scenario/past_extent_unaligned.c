// mlock and munlock round their address down; past a mapping they are refused all the same.
#include "scenario.h"

#define MARKS(call)                                      \
  do {                                                   \
    FACT(call);                                          \
    fact("  locked %ld kB", status_of("VmLck:") - base); \
  } while (0)

static void past(size_t unit) {
  char* p = map(4 * unit);
  NEED(p);
  FACT(munmap(p + 2 * unit, 2 * unit));
  const long base = status_of("VmLck:");
  MARKS(munlock(p + 1, 4 * unit - 1));
  MARKS(mlock(p + 1, 4 * unit - 1));
  MARKS(munlock(p + 1, 4 * unit - 1));
  MARKS(munlock(p + 1, unit));
  MARKS(mlock(p + 2 * unit + 5, 1));
  MARKS(munlock(p + 2 * unit + 5, 1));
  MARKS(munlock(p, 2 * unit));
  unsigned char core[1];
  FACT(mprotect(p + 1, 4 * unit, RW));
  FACT(madvise(p + 1, 4 * unit, MADV_NORMAL));
  FACT(mincore(p + 1, 4 * unit, core));
  FACT(msync(p + 1, 4 * unit, MS_SYNC));
  FACT(munmap(p + 1, 4 * unit));
}

int main(void) {
  past(PAGE);
  past(MIB);
  return 0;
}
