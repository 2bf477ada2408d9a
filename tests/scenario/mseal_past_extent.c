// mseal over a mapping and the hole behind it seals nothing.
#include "scenario.h"

int main(void) {
  const size_t unit = MIB;
  char* p = map(4 * unit);
  NEED(p);
  if (syscall(462, p, 0, 0) != 0) skip("this kernel has no mseal");
  FACT(munmap(p + 2 * unit, 2 * unit));
  FACT(syscall(462, p, 4 * unit, 0));
  FACT(munmap(p, 2 * unit));
  char* q = map(4 * unit);
  fact("maps again %d", q != NULL);
  FACT(syscall(462, q, 4 * unit, 0));
  FACT(munmap(q, 4 * unit));
  fact("sealed %s", pages(q, 1));
  FACT(mmap(q, unit, RW, PRIVATE | MAP_FIXED, -1, 0) == MAP_FAILED ? -1 : 0);
  return 0;
}
