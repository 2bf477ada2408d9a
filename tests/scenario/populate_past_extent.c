// MADV_POPULATE_* end at a hole, and what lies behind it is not populated.
#include "scenario.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

int main(void) {
  char* p = map(3 * PAGE);
  NEED(p && munmap(p, 3 * PAGE) == 0);
  // Where free pages are held, in the middle of the window; bare, in a hole.
  jitcorral_window window = {0, 0, 0};
  if (jitcorral_get_window) jitcorral_get_window(&window, sizeof window);
  char* at = window.size != 0 ? (char*)window.base + window.size / 2 : map(64 * MIB);
  NEED(at);
  if (window.size == 0) NEED(munmap(at, 64 * MIB) == 0);
  NEED(mmap(at, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0) == at);
  char* behind = at + 2 * PAGE;
  NEED(mmap(behind, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0) == behind);
  const int kAdvice[] = {MADV_POPULATE_READ, MADV_POPULATE_WRITE};
  for (int i = 0; i < 2; ++i) {
    unsigned char resident = 0;
    FACT(madvise(at, 3 * PAGE, kAdvice[i]));
    NEED(mincore(behind, PAGE, &resident) == 0);
    fact("behind %d", resident & 1);
  }
  // Nothing is mapped where this begins: it cannot stay as it is, nor shrink.
  char* nothing = at + 16 * MIB;
  for (size_t kept = 2; kept > 0; --kept) {
    errno = 0;
    void* q = mremap(nothing, 2 * PAGE, kept * PAGE, 0);
    fact("keeps %zu of nothing: %s", kept, q == MAP_FAILED ? name_of_error(errno) : "granted");
  }
  // Its first page is: what is kept behind it is not looked at.
  NEED(mmap(nothing, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0) == nothing);
  for (size_t kept = 4; kept > 1; --kept) {
    errno = 0;
    void* q = mremap(nothing, 4 * PAGE, kept * PAGE, 0);
    fact("keeps %zu of one: %s", kept, q == MAP_FAILED ? name_of_error(errno) : "granted");
  }
  fact("left %s", pages(nothing, 4));
  return 0;
}
