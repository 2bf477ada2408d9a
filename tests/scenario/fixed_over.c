// MAP_FIXED over what was mapped before: whole, part, over an edge into a hole, over several
// pieces.
#include "scenario.h"

static void* put(void* at, size_t length, int prot) {
  return mmap(at, length, prot, PRIVATE | MAP_FIXED, -1, 0);
}

static void over(size_t unit) {
  char* p = map(16 * unit);
  NEED(p);
  fill(p, 16 * unit, 5);
  fact("middle %d", put(p + 4 * unit, 2 * unit, RW) == p + 4 * unit);
  fact("fresh %d rest %d %d", is_zero(p + 4 * unit, 2 * unit), holds(p, 4 * unit, 5, 0),
       holds(p + 6 * unit, 10 * unit, 5, 6 * unit / PAGE));
  FACT(munmap(p + 8 * unit, 4 * unit));
  fact("over an edge %d", put(p + 7 * unit, 3 * unit, PROT_NONE) == p + 7 * unit);
  for (size_t i = 0; i < 16; ++i) fact("unit %zu %s", i, pages(p + i * unit, 1));
  fact("over all %d", put(p, 16 * unit, RW) == p);
  fact("fresh %d", is_zero(p, 16 * unit));
  fill(p, 16 * unit, 9);
  // Other mappings made meanwhile must not come to lie upon it.
  for (int i = 0; i < 64; ++i) {
    char* q = map(unit);
    NEED(q);
    fill(q, unit, 1);
  }
  fact("holds %d", holds(p, 16 * unit, 9, 0));
  FACT(munmap(p, 16 * unit));
  fact("fixed into the hole %d", put(p + 3 * unit, unit, RW) == p + 3 * unit);
  fill(p + 3 * unit, unit, 4);
  for (int i = 0; i < 64; ++i) {
    char* q = map(unit);
    NEED(q);
    fill(q, unit, 1);
  }
  fact("holds %d", holds(p + 3 * unit, unit, 4, 0));
  FACT(munmap(p + 3 * unit, unit));
  errno = 0;
  fact("bad fd %d %s", mmap(p, unit, RW, MAP_PRIVATE | MAP_FIXED, 9999, 0) == MAP_FAILED,
       name_of_error(errno));
}

int main(void) {
  over(PAGE);
  over(MIB);
  return 0;
}
