// fork at the very moment when another thread makes the process's first mappings: the child must be
// served like any other. Many tries, for the moment is short.
#include "scenario.h"

static _Atomic int ready, go;

static void* first_map(void* unused) {
  (void)unused;
  atomic_store(&ready, 1);
  while (!atomic_load(&go)) {
  }
  map(PAGE);
  return NULL;
}

int main(void) {
  int bad = 0, outside = 0;
  for (int round = 0; round < 400; ++round) {
    const pid_t child = fork();
    NEED(child >= 0);
    if (child == 0) {
      pthread_t thread;
      if (pthread_create(&thread, NULL, first_map, NULL) != 0) _exit(1);
      while (!atomic_load(&ready)) {
      }
      atomic_store(&go, 1);
      for (volatile int i = 0; i < round * 40; ++i) {
      }
      const pid_t grandchild = fork();
      if (grandchild == 0) {
        int steered = 0;
        for (int i = 0; i < 10; ++i) {
          char* p = map(PAGE);
          if (!p || !is_zero(p, PAGE)) _exit(2);
          steered += inside(p);
        }
        _exit(steered == 10 || !jitcorral_inside ? 0 : 3);
      }
      int status = 0;
      if (waitpid(grandchild, &status, 0) != grandchild) _exit(4);
      pthread_join(thread, NULL);
      _exit(WEXITSTATUS(status));
    }
    int status = 0;
    NEED(waitpid(child, &status, 0) == child);
    if (status == 3 << 8)
      ++outside;
    else
      bad += status != 0;
  }
  fact("bad %d", bad);
  if (jitcorral_inside)
    fact("children of an unfinished opening that are never served again: %d", outside);
  else
    fact("children of an unfinished opening that are never served again: 0");
  return 0;
}
