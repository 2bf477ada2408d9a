// One mapping that fills the window but for a page: there is no room to align it.
#include "scenario.h"

int main(void) {
  char* p = map(4 * MIB - PAGE);
  NEED(p);
  fill(p, 4 * MIB - PAGE, 3);
  aside("inside %d", inside(p));
  NEED(munmap(p, 4 * MIB - PAGE) == 0);
  void* q = NULL;
  fact("aligned %d", posix_memalign(&q, PAGE, 4 * MIB - PAGE));
  free(q);
  return 0;
}
