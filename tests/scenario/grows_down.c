// A mapping that grows down does so wherever it lies; what is mapped later does not stop it.
// Argument: how it gets its place, and whether something is mapped afterwards.
#include "scenario.h"

enum { kGrows = 1000 };

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  NEED(map(PAGE));
  jitcorral_window window = {0, 0, 0};
  if (jitcorral_get_window) jitcorral_get_window(&window, sizeof window);
  char* middle;
  if (window.size != 0) {
    middle = (char*)window.base + window.size / 2;
  } else {
    middle = map(1024 * MIB);
    NEED(middle && munmap(middle, 1024 * MIB) == 0);
    middle += 512 * MIB;
  }
  const int fixed = strcmp(argv[1], "hint") == 0 ? 0 : MAP_FIXED;
  char* p = mmap(middle, 4 * PAGE, RW, PRIVATE | MAP_GROWSDOWN | fixed, -1, 0);
  fact("there %d", p == middle);
  NEED(p != MAP_FAILED);
  if (strcmp(argv[1], "full") == 0)
    for (int i = 0; i < 400; ++i) {
      const char* other = map(MIB);
      NEED(other);
      if (other < p && other + MIB > p - kGrows * PAGE) fact("no room is left below it");
    }
  for (size_t i = 0; i < kGrows; ++i) p[0 - i * PAGE] = 1;
  fact("grew %d", holds(p - (kGrows - 1) * PAGE, 1, 1, 0));
  return 0;
}
