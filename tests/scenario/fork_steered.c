// After a fork both sides own copies: of the mappings and of the books.
#include "scenario.h"

static int work(unsigned seed) {
  int broken = 0;
  char* p[32];
  for (unsigned i = 0; i < 32; ++i) {
    p[i] = map((1 + i % 5) * PAGE);
    if (!p[i]) return 99;
    broken += !is_zero(p[i], (1 + i % 5) * PAGE);
    fill(p[i], (1 + i % 5) * PAGE, seed + i);
  }
  for (unsigned i = 0; i < 32; ++i) {
    broken += !holds(p[i], (1 + i % 5) * PAGE, seed + i, 0);
    broken += munmap(p[i], (1 + i % 5) * PAGE) != 0;
  }
  return broken;
}

static void family(int depth, char* kept, size_t length) {
  const pid_t child = fork();
  NEED(child >= 0);
  if (child == 0) {
    int broken = !holds(kept, length, 9, 0);
    broken += work(100);
    broken += munmap(kept + length / 2, length / 2) != 0;
    broken += work(200);
    broken += !holds(kept, length / 2, 9, 0);
    if (jitcorral_get_counters) {
      jitcorral_counters c;
      jitcorral_get_counters(&c, sizeof c);
      aside("child steered=%d", c.steered >= 64);
    }
    if (depth > 0) family(depth - 1, kept, length / 2);
    _exit(broken);
  }
  int status = 0;
  NEED(waitpid(child, &status, 0) == child);
  fact("child %x", (unsigned)status);
  fact("parent %d %d", holds(kept, length, 9, 0), work(300));
}

int main(void) {
  const size_t length = 4 * MIB;
  char* kept = map(length);
  NEED(kept);
  fill(kept, length, 9);
  fact("before %d", work(1));
  family(3, kept, length);
  char* gone = map(MIB);
  NEED(gone);
  FACT(madvise(gone, MIB, MADV_DONTFORK));
  const pid_t child = fork();
  if (child == 0) {
    fact("dontfork %s", pages(gone, 2));
    FACT(munmap(gone, MIB));
    _exit(work(5));
  }
  int status = 0;
  NEED(waitpid(child, &status, 0) == child);
  fact("child %x", (unsigned)status);
  return 0;
}
