// Shrink, grow in place into a hole, refused growth, growth that moves.
#include "scenario.h"

static void sizes(size_t unit) {
  char* p = map(8 * unit);
  NEED(p);
  fill(p, 8 * unit, 3);
  fact("shrink %d", mremap(p, 8 * unit, 4 * unit, 0) == p);
  fact("cut off %s %s", pages(p + 4 * unit, 1), pages(p + 8 * unit - PAGE, 1));
  fact("grow in place %d", mremap(p, 4 * unit, 6 * unit, 0) == p);
  fact("kept %d zero %d", holds(p, 4 * unit, 3, 0), is_zero(p + 4 * unit, 2 * unit));
  fact("and again %d", mremap(p, 6 * unit, 8 * unit, MREMAP_MAYMOVE) == p);
  FACT(mprotect(p + 6 * unit, 2 * unit, PROT_READ));
  errno = 0;
  fact("grow into the taken %d %s", mremap(p, 2 * unit, 4 * unit, 0) == MAP_FAILED,
       name_of_error(errno));
  fill(p, 6 * unit, 4);
  char* q = mremap(p, 2 * unit, 20 * unit, MREMAP_MAYMOVE);
  fact("moves %d", q != MAP_FAILED && q != p);
  fact("kept %d zero %d old %s", holds(q, 2 * unit, 4, 0), is_zero(q + 2 * unit, 18 * unit),
       pages(p, 1));
  if (inside(p) && !inside(q)) aside("left the window");
  fact("rest %d", holds(p + 2 * unit, 4 * unit, 4, 2 * unit / PAGE));
  errno = 0;
  fact("over two mappings %d %s",
       mremap(p + 5 * unit, 2 * unit, 3 * unit, MREMAP_MAYMOVE) == MAP_FAILED,
       name_of_error(errno));
  FACT(munmap(q, 20 * unit));
  FACT(munmap(p, 8 * unit));
  errno = 0;
  fact("nothing there %d %s", mremap(p, unit, 2 * unit, MREMAP_MAYMOVE) == MAP_FAILED,
       name_of_error(errno));
  errno = 0;
  fact("nothing there, shrinking %d %s", mremap(p, 2 * unit, unit, 0) == MAP_FAILED,
       name_of_error(errno));
  p = map(4 * unit);
  NEED(p);
  static const struct {
    size_t old_size, new_size;
    int flags;
    size_t skew;
  } kBad[] = {{PAGE, 0, 0, 0},
              {PAGE, PAGE, 64, 0},
              {PAGE, PAGE, MREMAP_FIXED, 0},
              {PAGE, PAGE, 0, 1},
              {0, PAGE, MREMAP_MAYMOVE, 0},
              {PAGE, (size_t)1 << 50, MREMAP_MAYMOVE, 0},
              {PAGE, SIZE_MAX, MREMAP_MAYMOVE, 0},
              {SIZE_MAX, PAGE, 0, 0},
              {PAGE, 2 * PAGE, MREMAP_MAYMOVE | 4, 0}};
  for (size_t i = 0; i < sizeof kBad / sizeof *kBad; ++i) {
    errno = 0;
    fact("bad %zu: %d %s", i,
         mremap(p + kBad[i].skew, kBad[i].old_size, kBad[i].new_size, kBad[i].flags, p) ==
             MAP_FAILED,
         name_of_error(errno));
  }
  fact("still %s", pages(p, 4));
}

int main(void) {
  sizes(PAGE);
  sizes(MIB);
  return 0;
}
