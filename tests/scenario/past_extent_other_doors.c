// Other ways into the same kernel calls: mlock2(), posix_madvise(), mseal, mbind.
#include "scenario.h"

int main(void) {
  const size_t unit = MIB;
  char* p = map(4 * unit);
  NEED(p);
  FACT(munmap(p + 2 * unit, 2 * unit));
  FACT(mlock2(p, 4 * unit, 0));
  FACT(mlock2(p, 4 * unit, MLOCK_ONFAULT));
  FACT(munlock(p, 2 * unit));
  fact("posix_madvise %s", name_of_error(posix_madvise(p, 4 * unit, POSIX_MADV_WILLNEED)));
  fact("posix_madvise in the hole %s",
       name_of_error(posix_madvise(p + 2 * unit, unit, POSIX_MADV_WILLNEED)));
  FACT(syscall(SYS_mbind, p, 4 * unit, 0, NULL, 0, 0));
  FACT(syscall(SYS_mbind, p + 2 * unit, unit, 0, NULL, 0, 0));
  FACT(munmap(p, 2 * unit));
  return 0;
}
