// MREMAP_FIXED out of the window, into it, over what is mapped and over holes; refused forms.
#include "scenario.h"

static void move(size_t unit) {
  char* a = map(8 * unit);
  // Shared memory is nobody's JIT: it lies where the kernel puts it.
  char* b = mmap(NULL, 8 * unit, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(a && b != MAP_FAILED);
  fill(a, 8 * unit, 1);
  fill(b, 8 * unit, 2);
  fact("out %d", mremap(a, 2 * unit, 2 * unit, MREMAP_MAYMOVE | MREMAP_FIXED, b) == b);
  fact("there %d %d old %s", holds(b, 2 * unit, 1, 0),
       holds(b + 2 * unit, 6 * unit, 2, 2 * unit / PAGE), pages(a, 1));
  fact("in, to a hole %d",
       mremap(b + 4 * unit, 2 * unit, 2 * unit, MREMAP_MAYMOVE | MREMAP_FIXED, a) == a);
  fact("there %d old %s", holds(a, 2 * unit, 2, 4 * unit / PAGE), pages(b + 4 * unit, 1));
  fact("in, over the taken %d", mremap(b + 6 * unit, unit, 2 * unit, MREMAP_MAYMOVE | MREMAP_FIXED,
                                       a + 3 * unit) == a + 3 * unit);
  fact("there %d rest %d %d", holds(a + 3 * unit, unit, 2, 6 * unit / PAGE),
       holds(a + 2 * unit, unit, 1, 2 * unit / PAGE),
       holds(a + 5 * unit, 3 * unit, 1, 5 * unit / PAGE));
  // Inside to inside, over an edge into a hole.
  FACT(munmap(a + 6 * unit, 2 * unit));
  fact("within %d",
       mremap(a, 2 * unit, 3 * unit, MREMAP_MAYMOVE | MREMAP_FIXED, a + 5 * unit) == a + 5 * unit);
  fact("there %d old %s", holds(a + 5 * unit, 2 * unit, 2, 4 * unit / PAGE), pages(a, 1));
  errno = 0;
  fact("onto itself %d %s",
       mremap(a + 5 * unit, 2 * unit, 2 * unit, MREMAP_MAYMOVE | MREMAP_FIXED, a + 6 * unit) ==
           MAP_FAILED,
       name_of_error(errno));
  errno = 0;
  fact("unaligned %d %s",
       mremap(a + 5 * unit, unit, unit, MREMAP_MAYMOVE | MREMAP_FIXED, a + 1) == MAP_FAILED,
       name_of_error(errno));
  errno = 0;
  fact("from a hole %d %s",
       mremap(a, unit, unit, MREMAP_MAYMOVE | MREMAP_FIXED, a + 3 * unit) == MAP_FAILED,
       name_of_error(errno));
  fact("target %s", pages(a + 3 * unit, 1));
  // Other mappings must not come to lie upon what was moved in.
  fill(a + 5 * unit, 3 * unit, 9);
  for (int i = 0; i < 64; ++i) {
    char* q = map(unit);
    NEED(q);
    fill(q, unit, 1);
  }
  fact("holds %d", holds(a + 5 * unit, 3 * unit, 9, 0));
  FACT(munmap(a, 8 * unit));
}

int main(void) {
  move(PAGE);
  move(MIB);
  return 0;
}
