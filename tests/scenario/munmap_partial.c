// Head, tail, middle, repeated, over holes, small and large; contents of what is left.
#include "scenario.h"

static void carve(size_t unit) {
  char* p = map(16 * unit);
  NEED(p);
  fill(p, 16 * unit, 7);
  FACT(munmap(p, unit));
  FACT(munmap(p + 15 * unit, unit));
  FACT(munmap(p + 7 * unit, 2 * unit));
  FACT(munmap(p + 7 * unit, 2 * unit));
  FACT(munmap(p + 6 * unit, 4 * unit));
  for (size_t i = 0; i < 16; ++i)
    fact("unit %zu: %s%s", i, pages(p + i * unit, 1), pages(p + (i + 1) * unit - PAGE, 1));
  fact("left %d %d", holds(p + unit, 5 * unit, 7, unit / PAGE),
       holds(p + 10 * unit, 5 * unit, 7, 10 * unit / PAGE));
  FACT(munmap(p, 16 * unit));
  FACT(munmap(p, 16 * unit));
  for (size_t i = 0; i < 16; ++i) fact("unit %zu: %s", i, pages(p + i * unit, 1));
  FACT(munmap(p, 16 * unit - 5));  // a length is rounded up
  char* q = map(16 * unit);
  NEED(q);
  fact("zero again %d", is_zero(q, 16 * unit));
  FACT(munmap(q, 16 * unit - 5));
  fact("end %s", pages(q + 16 * unit - PAGE, 1));
}

int main(void) {
  carve(PAGE);
  carve(3 * PAGE);
  carve(MIB);
  return 0;
}
