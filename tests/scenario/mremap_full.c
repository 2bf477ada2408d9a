// A mapping outgrows the window: it moves out, with its contents. It is counted, and said once.
#include "scenario.h"

int main(void) {
  // Neighbours on both sides, so that it cannot grow where it is.
  char* block[15];
  for (int i = 0; i < 15; ++i) {
    block[i] = map(16 * PAGE);
    NEED(block[i]);
    fill(block[i], 16 * PAGE, (unsigned)i);
  }
  char* p = block[7];
  fill(p, 16 * PAGE, 8);
  char* q = mremap(p, 16 * PAGE, 4 * MIB, MREMAP_MAYMOVE);
  fact("moved %d", q != MAP_FAILED);
  if (q == MAP_FAILED) return 1;
  fact("holds %d zero %d old %s", holds(q, 16 * PAGE, 8, 0), is_zero(q + 16 * PAGE, MIB),
       pages(p, 1));
  if (jitcorral_get_counters) {
    jitcorral_counters c;
    jitcorral_get_counters(&c, sizeof c);
    aside("inside=%d fellback=%lu", inside(q), (unsigned long)c.fell_back);
  }
  int broken = 0;
  for (int i = 0; i < 15; ++i)
    if (i != 7) broken += !holds(block[i], 16 * PAGE, (unsigned)i, 0);
  fact("broken %d", broken);
  FACT(munmap(q, 4 * MIB));
  return 0;
}
