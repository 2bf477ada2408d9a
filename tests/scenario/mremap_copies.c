// old_size 0 makes a second view of shared memory; MREMAP_DONTUNMAP leaves an empty one behind.
#include "scenario.h"
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static void copies(size_t unit) {
  char* hole = map(8 * unit);
  NEED(hole);
  FACT(munmap(hole, 8 * unit));
  // Shared memory on an address that lay in the window.
  char* s = mmap(hole, 4 * unit, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  NEED(s == hole);
  fill(s, 4 * unit, 2);
  char* t = mremap(s, 0, 4 * unit, MREMAP_MAYMOVE);
  fact("second view %d", t != MAP_FAILED && t != s);
  fact("same %d", holds(t, 4 * unit, 2, 0));
  s[5] = 77;
  fact("shared %d, both %s%s", t[5], pages(s, 1), pages(t, 1));
  char* p = map(4 * unit);
  NEED(p);
  fill(p, 4 * unit, 3);
  errno = 0;
  fact("private, 0 %d %s", mremap(p, 0, unit, MREMAP_MAYMOVE) == MAP_FAILED, name_of_error(errno));
  char* q = mremap(p, 4 * unit, 4 * unit, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
  fact("dontunmap %d", q != MAP_FAILED && q != p);
  if (q == MAP_FAILED) return;
  fact("moved %d left %s zero %d", holds(q, 4 * unit, 3, 0), pages(p, 1), is_zero(p, 4 * unit));
  fill(p, 4 * unit, 5);
  char* r = mremap(p, 2 * unit, 2 * unit, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, q);
  fact("onto %d", r == q);
  fact("there %d left %s rest %d", holds(q, 2 * unit, 5, 0), pages(p, 1),
       holds(q + 2 * unit, 2 * unit, 3, 2 * unit / PAGE));
  for (int i = 0; i < 32; ++i) {
    char* o = map(unit);
    NEED(o);
    fill(o, unit, 1);
  }
  fact("hold %d %d %d", holds(q, 2 * unit, 5, 0), is_zero(p, 2 * unit), t[5]);
  FACT(munmap(p, 4 * unit));
  FACT(munmap(q, 4 * unit));
  FACT(munmap(t, 4 * unit));
  FACT(munmap(s, 4 * unit));
}

int main(void) {
  copies(PAGE);
  copies(MIB);
  return 0;
}
