// Constructors map, allocate and free before main; a destructor does after it.
#include "scenario.h"

static int early;

__attribute__((constructor(101))) static void first(void) {
  char* p = mmap(NULL, 4 * PAGE, RW, PRIVATE, -1, 0);
  void* q = NULL;
  early = p != MAP_FAILED && is_zero(p, 4 * PAGE) && munmap(p, 4 * PAGE) == 0;
  early += posix_memalign(&q, PAGE, 4 * PAGE) == 0;
  q = realloc(q, 100);
  free(q);
  free(malloc(300000));
}

__attribute__((destructor)) static void last(void) {
  char* p = map(2 * PAGE);
  void* q = valloc(2 * PAGE);
  fact("destructor %d", p != NULL && munmap(p, 2 * PAGE) == 0 && q != NULL);
  free(q);
}

int main(void) {
  fact("early %d", early);
  return 0;
}
