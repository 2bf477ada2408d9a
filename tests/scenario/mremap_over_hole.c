// The old range of an mremap reaches into a hole: growing is refused, shrinking just unmaps.
#include "scenario.h"

static void over(size_t unit) {
  char* p = map(8 * unit);
  NEED(p);
  fill(p, 8 * unit, 3);
  FACT(munmap(p + 4 * unit, 4 * unit));
  errno = 0;
  fact("same size %d %s", mremap(p, 8 * unit, 8 * unit, MREMAP_MAYMOVE) == MAP_FAILED,
       name_of_error(errno));
  errno = 0;
  fact("grow %d %s", mremap(p, 8 * unit, 9 * unit, MREMAP_MAYMOVE) == MAP_FAILED,
       name_of_error(errno));
  errno = 0;
  void* q = mremap(p, 8 * unit, 2 * unit, 0);
  fact("shrink %s %s", q == p ? "stays" : "fails", name_of_error(q == p ? 0 : errno));
  for (size_t i = 0; i < 8; ++i) fact("unit %zu %s", i, pages(p + i * unit, 1));
  fact("kept %d", holds(p, 2 * unit, 3, 0));
}

int main(void) {
  over(PAGE);
  over(MIB);
  return 0;
}
