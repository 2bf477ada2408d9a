// Page-aligned memory from the allocator and every way back: free, realloc in all directions,
// reallocarray, malloc_usable_size; contents, alignment and errno.
#include <malloc.h>
#include "scenario.h"

enum way { kPosix, kAligned, kMemalign, kValloc, kPvalloc, kWays };

static void* get(enum way way, size_t alignment, size_t size) {
  void* p = NULL;
  switch (way) {
    case kPosix:
      return posix_memalign(&p, alignment, size) == 0 ? p : NULL;
    case kAligned:
      return aligned_alloc(alignment, size);
    case kMemalign:
      return memalign(alignment, size);
    case kValloc:
      return valloc(size);
    default:
      return pvalloc(size);
  }
}

static int is_filled(const char* p, size_t n, int c) {
  for (size_t i = 0; i < n; ++i)
    if (p[i] != (char)c) return 0;
  return 1;
}

static void* body(void* way) {
  int broken = 0;
  for (int i = 0; i < 300; ++i) {
    const size_t size = (size_t)(1 + i % 20) * PAGE;
    char* p = get((enum way)(uintptr_t)way, PAGE, size);
    if (!p) return (void*)1L;
    memset(p, i, size);
    if (i % 5 == 0) p = realloc(p, size * 2);
    if (i % 5 == 1) p = realloc(p, size / 4);
    broken += !p || !is_filled(p, size / 4, i);
    free(p);
  }
  return (void*)(intptr_t)broken;
}

int main(void) {
  for (enum way way = 0; way < kWays; ++way) {
    for (size_t alignment = 16; alignment <= 4 * MIB; alignment *= 4) {
      for (size_t size = 1; size <= 4 * MIB; size = size * 7 + PAGE - size * 7 % PAGE) {
        char* p = get(way, alignment, size);
        if (!p) {
          fact("way %d alignment %zu size %zu: null", way, alignment, size);
          continue;
        }
        const size_t least = way >= kValloc ? PAGE : alignment;
        int ok = (uintptr_t)p % least == 0 && malloc_usable_size(p) >= size;
        memset(p, 'a', size);
        p = realloc(p, size + 1);
        ok &= p && is_filled(p, size, 'a') && malloc_usable_size(p) >= size + 1;
        p = realloc(p, size * 3);
        ok &= p && is_filled(p, size, 'a');
        memset(p, 'b', size * 3);
        p = reallocarray(p, size, 2);
        ok &= p && is_filled(p, size * 2, 'b');
        p = realloc(p, size / 2 + 1);
        ok &= p && is_filled(p, size / 2 + 1, 'b');
        errno = 0;
        ok &= reallocarray(p, SIZE_MAX / 2, 3) == NULL && errno == ENOMEM;
        ok &= is_filled(p, size / 2 + 1, 'b');
        free(p);
        if (!ok) fact("way %d alignment %zu size %zu: broken", way, alignment, size);
      }
    }
  }
  void* p = NULL;
  static const size_t kBad[][2] = {
      {0, PAGE}, {3, PAGE}, {3 * PAGE, PAGE}, {PAGE + 8, PAGE}, {4, 4}};
  for (size_t i = 0; i < sizeof kBad / sizeof *kBad; ++i)
    fact("posix_memalign %zu: %s", kBad[i][0],
         name_of_error(posix_memalign(&p, kBad[i][0], kBad[i][1])));
  fact("too much %s", name_of_error(posix_memalign(&p, PAGE, SIZE_MAX - 2 * PAGE)));
  fact("nothing %s", name_of_error(posix_memalign(&p, PAGE, 0)));
  free(p);
  fact("null %zu", malloc_usable_size(NULL));
  free(NULL);
  p = NULL;
  fact("%d", posix_memalign(&p, PAGE, 4 * PAGE));
  if (inside(p)) aside("allocator served");
  fact("realloc to nothing %d", realloc(p, 0) == NULL);
  fact("%d", posix_memalign(&p, PAGE, 4 * PAGE));
  errno = 0;
  fact("realloc too much %d %s", realloc(p, SIZE_MAX / 2) == NULL, name_of_error(errno));
  free(p);
  // A page-aligned pointer that is nobody's extent: mapped memory beside served memory.
  pthread_t threads[kWays];
  for (uintptr_t i = 0; i < kWays; ++i)
    NEED(pthread_create(&threads[i], NULL, body, (void*)i) == 0);
  for (int i = 0; i < kWays; ++i) {
    void* broken = NULL;
    pthread_join(threads[i], &broken);
    fact("thread %d broken %ld", i, (long)(intptr_t)broken);
  }
  if (posix_memalign(&p, PAGE, 2 * PAGE) != 0) return 1;
  memset(p, 5, 2 * PAGE);
  const pid_t child = fork();
  if (child == 0) {
    char* q = realloc(p, 8 * PAGE);
    const int ok = q && is_filled(q, 2 * PAGE, 5);
    free(q);
    _exit(!ok);
  }
  int status = 0;
  NEED(waitpid(child, &status, 0) == child);
  fact("child %x parent %d", (unsigned)status, is_filled(p, 2 * PAGE, 5));
  free(p);
  return 0;
}
