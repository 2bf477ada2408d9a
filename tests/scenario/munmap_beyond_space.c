// A range that ends beyond the address space is refused whole: nothing of it is unmapped.
#include "scenario.h"

int main(void) {
  char* p = map(8 * PAGE);
  NEED(p);
  fill(p, 8 * PAGE, 3);
  FACT(munmap(p, (size_t)1 << 46));
  fact("still %s %d", pages(p, 8), pages(p, 1)[0] == 'r' && holds(p, 8 * PAGE, 3, 0));
  FACT(munmap(p, SIZE_MAX));
  FACT(munmap(p, SIZE_MAX - PAGE));
  fact("still %s", pages(p, 8));
  return 0;
}
