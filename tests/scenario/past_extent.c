// Calls over a range that runs past a mapping, begins in front of it, or lies in a hole: ENOMEM,
// and the mapped part changed as far as the kernel changes it.
#include <linux/mman.h>
#include "scenario.h"
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define MARKS(call)                                      \
  do {                                                   \
    FACT(call);                                          \
    fact("  locked %ld kB", status_of("VmLck:") - base); \
  } while (0)

static void past(size_t unit) {
  // mapped 0-1, hole 2-3, mapped 4-5, hole 6-7
  char* p = map(8 * unit);
  NEED(p);
  FACT(munmap(p + 2 * unit, 2 * unit));
  FACT(munmap(p + 6 * unit, 2 * unit));
  char* const hole = p + 2 * unit;
  const size_t all = 8 * unit;
  const long base = status_of("VmLck:");
  fill(p, 2 * unit, 1);
  fill(p + 4 * unit, 2 * unit, 1);
  FACT(mprotect(p, all, PROT_NONE));
  fact("%s %s %s", pages(p, 1), pages(hole, 1), pages(p + 4 * unit, 1));
  FACT(mprotect(p, all, RW));
  FACT(mprotect(hole, all - 2 * unit, PROT_READ));
  FACT(mprotect(hole, unit, PROT_READ));
  FACT(pkey_mprotect(p, all, RW, -1));
  FACT(mprotect(p, 6 * unit, RW));
  fact("intact %d %d", holds(p, 2 * unit, 1, 0), holds(p + 4 * unit, 2 * unit, 1, 0));
  MARKS(mlock(p, all));
  MARKS(munlock(p, all));
  MARKS(munlock(p, 2 * unit));
  MARKS(mlock(hole, unit));
  MARKS(munlock(hole, unit));
  MARKS(syscall(SYS_mlock2, p, all, 0));
  MARKS(munlock(p, 2 * unit));
  static unsigned char core[8 * 512];
  FACT(mincore(p, all, core));
  FACT(mincore(hole, unit, core));
  FACT(mincore(p, 2 * unit, core));
  FACT(msync(p, all, MS_ASYNC));
  FACT(msync(p, all, MS_SYNC));
  FACT(msync(hole, unit, MS_SYNC));
  FACT(msync(p, 2 * unit, MS_SYNC));
  FACT(madvise(p, all, MADV_NORMAL));
  FACT(madvise(hole, unit, MADV_WILLNEED));
  FACT(madvise(p, all, MADV_DONTNEED));
  fact("both gone %d %d", is_zero(p, 2 * unit), is_zero(p + 4 * unit, 2 * unit));
  FACT(madvise(p, all, MADV_DONTDUMP));
  FACT(madvise(p, 2 * unit, MADV_DODUMP));
  FACT(madvise(p, 3 * unit, MADV_POPULATE_READ));
  FACT(madvise(hole, unit, MADV_POPULATE_READ));
  // In a hole, what is wrong in itself is still found first.
  FACT(mprotect(hole, unit, 0x4000000));
  FACT(mprotect(hole, unit, PROT_GROWSDOWN | PROT_GROWSUP));
  FACT(pkey_mprotect(hole, unit, RW, 99));
  FACT(madvise(hole, unit, 12345));
  FACT(msync(hole, unit, 64));
  FACT(msync(hole, unit, MS_ASYNC | MS_SYNC));
  FACT(munmap(p, all));
}

int main(void) {
  past(PAGE);
  past(MIB);
  return 0;
}
