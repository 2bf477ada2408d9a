// Eight threads make the process's first mappings at the same moment.
#include "scenario.h"

static _Atomic int ready, go, broken, served;

static void* body(void* unused) {
  (void)unused;
  atomic_fetch_add(&ready, 1);
  while (!atomic_load(&go)) sched_yield();
  char* p[10];
  for (int i = 0; i < 10; ++i) {
    p[i] = map(2 * PAGE);
    if (!p[i] || !is_zero(p[i], 2 * PAGE)) atomic_fetch_add(&broken, 1);
    if (p[i]) fill(p[i], 2 * PAGE, 3);
    atomic_fetch_add(&served, inside(p[i]));
  }
  for (int i = 0; i < 10; ++i)
    if (!holds(p[i], 2 * PAGE, 3, 0) || munmap(p[i], 2 * PAGE) != 0) atomic_fetch_add(&broken, 1);
  return NULL;
}

int main(void) {
  int bad = 0;
  for (int round = 0; round < 60; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      pthread_t threads[8];
      for (int i = 0; i < 8; ++i)
        if (pthread_create(&threads[i], NULL, body, NULL) != 0) _exit(1);
      while (atomic_load(&ready) < 8) sched_yield();
      atomic_store(&go, 1);
      for (int i = 0; i < 8; ++i) pthread_join(threads[i], NULL);
      if (atomic_load(&broken)) _exit(2);
      _exit(jitcorral_inside && atomic_load(&served) != 80 ? 3 : 0);
    }
    int status = 0;
    NEED(waitpid(child, &status, 0) == child);
    if (status) aside("status %x", (unsigned)status);
    bad += status != 0;
  }
  fact("bad %d", bad);
  return 0;
}
