// mlockall as a user with little RLIMIT_MEMLOCK, before (argument "early") or after the first
// mappings; MCL_FUTURE makes the next mapping count.
#include "scenario.h"

int main(int argc, char** argv) {
  const int early = argc > 1 && strcmp(argv[1], "early") == 0;
  char* p = NULL;
  if (!early) {
    p = map(MIB);
    NEED(p);
  }
  const struct rlimit limit = {8 * MIB, 8 * MIB};
  NEED(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
  if (geteuid() != 0 || setuid(65534) != 0) skip("cannot become another user");
  FACT(mlockall(99));
  FACT(mlockall(MCL_CURRENT | MCL_FUTURE));
  const long locked = status_of("VmLck:");
  aside("locked %ld kB", locked);
  fact("less than 6 MiB locked %d", locked < 6144 && locked > 0);
  p = map(64 * PAGE);
  fact("one more %d", p != NULL);
  errno = 0;
  fact("too much %d %s", map(20 * MIB) == NULL, name_of_error(errno));
  long n = 0;
  while (n < 100 && map(MIB)) ++n;
  aside("mapped %ld", n);
  fact("many %d", n < 6);
  FACT(munlockall());
  fact("free again %d", map(20 * MIB) != NULL);
  return 0;
}
