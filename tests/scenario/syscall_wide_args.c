// The kernel's arguments have 64 bits; bits above 32 count where it says so.
#include "scenario.h"

int main(void) {
  char* p = map(4 * PAGE);
  NEED(p);
  FACT(syscall(SYS_mprotect, p, PAGE, 1L << 32 | PROT_READ));
  FACT(syscall(SYS_pkey_mprotect, p, PAGE, 1L << 32 | PROT_READ, -1));
  FACT(syscall(SYS_mremap, p, 2 * PAGE, PAGE, 1L << 32));
  FACT(syscall(SYS_madvise, p, PAGE, 1L << 32 | MADV_NORMAL));
  fact("still %s", pages(p, 4));
  p[0] = 1;
  return 0;
}
