// msync is a cancellation point (POSIX), mmap and mprotect are not.
#include "scenario.h"

static _Atomic int ready, cancelled, reached;

static void* body(void* unused) {
  (void)unused;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  char* p = map(2 * PAGE);
  atomic_store(&ready, 1);
  while (!atomic_load(&cancelled)) sched_yield();
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  char* q = map(PAGE);
  mprotect(q, PAGE, PROT_READ);
  munmap(q, PAGE);
  atomic_store(&reached, 1);
  msync(p, PAGE, MS_SYNC);
  atomic_store(&reached, 2);
  return NULL;
}

int main(void) {
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, body, NULL) == 0);
  while (!atomic_load(&ready)) sched_yield();
  NEED(pthread_cancel(thread) == 0);
  atomic_store(&cancelled, 1);
  void* result = NULL;
  pthread_join(thread, &result);
  fact("cancelled %d reached %d", result == PTHREAD_CANCELED, atomic_load(&reached));
  return 0;
}
