// C23's two more ways to give memory back, where the C library or the shim has them.
#include "scenario.h"

__attribute__((weak)) void free_sized(void* p, size_t size);
__attribute__((weak)) void free_aligned_sized(void* p, size_t alignment, size_t size);

int main(void) {
  for (int i = 0; i < 64; ++i) {
    void *p = NULL, *small = malloc(40);
    NEED(small && posix_memalign(&p, PAGE, 16 * PAGE) == 0);
    if (i == 0) aside("block inside %d, sized %d", inside(p), free_sized && free_aligned_sized);
    fill(p, 16 * PAGE, 5);
    if (free_sized == NULL || free_aligned_sized == NULL) {
      free(small);
      free(p);
    } else if (i % 2 == 0) {
      free_sized(small, 40);
      free_aligned_sized(p, PAGE, 16 * PAGE);
    } else {
      free_aligned_sized(small, 16, 40);
      free_sized(p, 16 * PAGE);
    }
  }
  fact("given back");
  return 0;
}
