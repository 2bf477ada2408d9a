// Hours of a host in a minute: other code of the process (libc's own big blocks, threads' stacks)
// takes and leaves freed window pages, and none of them are lost for ever.
#include <malloc.h>
#include "scenario.h"

static void* body(void* p) {
  return p;
}

int main(void) {
  mallopt(M_MMAP_THRESHOLD, 4096);
  int broken = 0;
  for (int round = 0; round < 400; ++round) {
    char* p[16];
    void* big[16];
    for (int i = 0; i < 16; ++i) {
      p[i] = map(16 * PAGE);
      if (p[i]) fill(p[i], 16 * PAGE, (unsigned)i);
    }
    for (int i = 0; i < 16; i += 2) broken += !p[i] || munmap(p[i], 16 * PAGE) != 0;
    for (int i = 0; i < 16; ++i) big[i] = malloc(60000);
    pthread_t thread;
    NEED(pthread_create(&thread, NULL, body, NULL) == 0);
    pthread_join(thread, NULL);
    for (int i = 1; i < 16; i += 2) {
      broken += !p[i] || !holds(p[i], 16 * PAGE, (unsigned)i, 0);
      broken += munmap(p[i], 16 * PAGE) != 0;
    }
    for (int i = 0; i < 16; ++i) free(big[i]);
  }
  int served = 0;
  for (int i = 0; i < 8; ++i) served += inside(map(16 * PAGE));
  fact("broken %d", broken);
  fact("still served %d", jitcorral_inside ? served : 8);
  return 0;
}
