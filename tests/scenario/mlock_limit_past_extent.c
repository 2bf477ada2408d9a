// mlock counts the whole range against RLIMIT_MEMLOCK before it locks any of it.
#include "scenario.h"

int main(void) {
  char* p = map(4 * MIB);
  NEED(p);
  FACT(munmap(p + 2 * MIB, 2 * MIB));
  const struct rlimit limit = {256 << 10, 256 << 10};
  NEED(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
  if (setuid(65534) != 0) skip("cannot become another user");
  FACT(mlock(p + 2 * MIB - 4 * PAGE, MIB));
  fact("locked %ld kB", status_of("VmLck:"));
  FACT(mlock(p + 2 * MIB - 4 * PAGE, 8 * PAGE));
  fact("locked %ld kB", status_of("VmLck:"));
  return 0;
}
