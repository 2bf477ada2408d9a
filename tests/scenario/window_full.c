// More memory than a window of 1 MiB holds. Under JITCORRAL_ON_FULL=fail (argument "fail") calls
// fail once it is full, and work again when something is given back.
#include "scenario.h"

int main(int argc, char** argv) {
  const int fails = argc > 1 && strcmp(argv[1], "fail") == 0;
  char* p[64];
  int mapped = 0, failed = 0;
  for (int i = 0; i < 64; ++i) {
    errno = 0;
    p[i] = map(16 * PAGE);
    if (p[i]) {
      ++mapped;
      fill(p[i], 16 * PAGE, (unsigned)i);
    } else {
      failed += errno == ENOMEM;
    }
  }
  if (fails && jitcorral_inside) {
    // 64 KiB each: 16 of them fill 1 MiB.
    fact("of 64: mapped as expected %d", mapped == 16 && failed == 48);
  } else {
    fact("of 64: mapped as expected %d", mapped == 64);
  }
  int broken = 0;
  for (int i = 0; i < 64; ++i)
    if (p[i]) broken += !holds(p[i], 16 * PAGE, (unsigned)i, 0);
  broken += munmap(p[3], 16 * PAGE) != 0;
  char* again = map(16 * PAGE);
  fact("again %d broken %d", again != NULL, broken);
  if (jitcorral_get_counters) {
    jitcorral_counters c;
    jitcorral_get_counters(&c, sizeof c);
    aside("inside=%d steered=%lu fellback=%lu failed=%lu", inside(again), (unsigned long)c.steered,
          (unsigned long)c.fell_back, (unsigned long)c.failed);
  }
  return 0;
}
