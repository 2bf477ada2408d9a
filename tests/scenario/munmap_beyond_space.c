// A range that ends beyond the address space is refused whole: nothing of it is unmapped.
#include "scenario.h"

int main(void) {
  char* above = map(4 * MIB);
  char* p = map(3 * MIB);  // below it, if anywhere
  NEED(p && above);
  fill(p, 3 * MIB, 3);
  FACT(munmap(above, 4 * MIB));
  // p is above the second page, so this ends beyond the 2^47 bytes of user space.
  FACT(munmap(p, ((size_t)1 << 47) - 2 * PAGE));
  fact("still %s %d", pages(p, 8), pages(p, 1)[0] == 'r' && holds(p, 3 * MIB, 3, 0));
  FACT(munmap(p, SIZE_MAX));
  FACT(munmap(p, SIZE_MAX - PAGE));
  fact("still %s", pages(p, 8));
  return 0;
}
