// Another allocator is preloaded beside the shim, in front of it or behind: what one gives, the
// same one gets back, and its count of live blocks comes out even.
#include <malloc.h>
#include "scenario.h"

long wrapper_live(void) __attribute__((weak));

int main(void) {
  if (!wrapper_live) {
    fact("no wrapper");
    return 3;
  }
  fact("start");
  const long before = wrapper_live();
  for (int i = 0; i < 500; ++i) {
    void* p[6] = {0};
    const size_t size = (size_t)(1 + i % 9) * PAGE;
    p[0] = malloc(size);
    p[1] = calloc(3, size);
    NEED(posix_memalign(&p[2], PAGE, size) == 0);
    p[3] = aligned_alloc(PAGE, size);
    p[4] = valloc(size);
    p[5] = memalign(64, size);
    for (int k = 0; k < 6; ++k) {
      NEED(p[k] && malloc_usable_size(p[k]) >= size);
      memset(p[k], k, size);
      if (i % 3 == 0) p[k] = realloc(p[k], size * 2);
      if (i % 3 == 1) p[k] = reallocarray(p[k], size, 1);
      NEED(p[k] && ((char*)p[k])[size - 1] == k);
      if (i % 7 == 0) p[k] = realloc(p[k], 64);
      if (i == 3 && k == 2 && inside(p[k])) aside("posix_memalign lies inside");
      free(p[k]);
    }
  }
  fact("live %ld", wrapper_live() - before);
  return 0;
}
