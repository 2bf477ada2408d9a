// One munmap over several mappings that lie beside each other, over free pages between and behind.
#include "scenario.h"

static int by_address(const void* a, const void* b) {
  const uintptr_t x = *(const uintptr_t*)a, y = *(const uintptr_t*)b;
  return x < y ? -1 : x > y;
}

static void span(size_t size) {
  enum { kCount = 12 };
  uintptr_t at[kCount];
  for (int i = 0; i < kCount; ++i) {
    at[i] = (uintptr_t)mmap(NULL, size, i % 2 ? RW : PROT_READ, PRIVATE, -1, 0);
    NEED(at[i] != (uintptr_t)MAP_FAILED);
  }
  qsort(at, kCount, sizeof *at, by_address);
  // Runs of neighbours go by one call each, from the middle of the first to the middle of the last.
  int broken = 0;
  for (int i = 0; i < kCount;) {
    int j = i;
    while (j + 1 < kCount && at[j + 1] == at[j] + size) ++j;
    const uintptr_t begin = at[i] + size / 2, end = at[j] + size / 2;
    if (j > i) {
      broken += munmap((void*)begin, end - begin) != 0;
      broken += strcmp(pages((void*)begin, 1), "-") != 0;
      broken += strcmp(pages((void*)(end - PAGE), 1), "-") != 0;
      broken += strcmp(pages((void*)at[i], 1), "r") != 0;
      broken += strcmp(pages((void*)end, 1), "r") != 0;
      // Again, now with a hole inside, and both rests.
      broken += munmap((void*)at[i], at[j] + size - at[i]) != 0;
    } else {
      broken += munmap((void*)at[i], size) != 0;
    }
    for (int k = i; k <= j; ++k) broken += strcmp(pages((void*)at[k], 1), "-") != 0;
    i = j + 1;
  }
  fact("size %zu broken %d", size, broken);
}

int main(void) {
  span(2 * PAGE);
  span(64 * PAGE);
  span(2 * MIB);
  return 0;
}
