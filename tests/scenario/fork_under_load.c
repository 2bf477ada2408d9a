// fork while other threads map at once: the child maps and unmaps, and all is well in both.
#include "scenario.h"

static _Atomic int stop, broken;

static void* churn(void* unused) {
  (void)unused;
  while (!atomic_load(&stop)) {
    const size_t length = 3 * PAGE;
    char* p = map(length);
    if (!p || !is_zero(p, length)) atomic_fetch_add(&broken, 1);
    if (!p) continue;
    fill(p, length, 5);
    if (!holds(p, length, 5, 0) || munmap(p, length) != 0) atomic_fetch_add(&broken, 1);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) NEED(pthread_create(&threads[i], NULL, churn, NULL) == 0);
  int bad = 0;
  for (int round = 0; round < 100; ++round) {
    const pid_t child = fork();
    NEED(child >= 0);
    if (child == 0) {
      for (int i = 0; i < 50; ++i) {
        const size_t length = (size_t)(1 + i % 7) * PAGE;
        char* p = map(length);
        if (!p || !is_zero(p, length)) _exit(1);
        fill(p, length, 6);
        if (!holds(p, length, 6, 0)) _exit(2);
        if (i % 2 && munmap(p, length) != 0) _exit(3);
      }
      _exit(0);
    }
    int status = 0;
    NEED(waitpid(child, &status, 0) == child);
    bad += status != 0;
  }
  atomic_store(&stop, 1);
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  fact("bad children %d broken %d", bad, atomic_load(&broken));
  return 0;
}
