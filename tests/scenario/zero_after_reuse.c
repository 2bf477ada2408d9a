// Fresh memory is zero however often its addresses were used before.
#include "scenario.h"

int main(void) {
  int dirty = 0;
  unsigned random = 1;
  for (int i = 0; i < 3000; ++i) {
    random = random * 1103515245 + 12345;
    const size_t length = (random >> 16) % 16 == 0 ? MIB + (random >> 20) % 64 * PAGE
                                                   : (1 + (random >> 16) % 40) * PAGE;
    char* p = map(length);
    NEED(p);
    dirty += !is_zero(p, length);
    memset(p, 0xaa, length);
    if (i % 3 == 0) {
      dirty += munmap(p + length - PAGE, PAGE) != 0;
      dirty += munmap(p, length - PAGE) != 0;
    } else {
      dirty += munmap(p, length) != 0;
    }
  }
  fact("dirty %d", dirty);
  return 0;
}
