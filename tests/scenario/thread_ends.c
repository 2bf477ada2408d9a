// pthread_cancel while a thread maps (deferred, and asynchronous outside calls), pthread_exit, keys
// whose destructors map, atexit handlers that map.
#include "scenario.h"

static pthread_key_t key;
static _Atomic int destroyed, spinning;

static void destroy(void* p) {
  atomic_fetch_add(&destroyed, munmap(p, 4 * PAGE) == 0 && map(PAGE) != NULL);
}

static void cleanup(void* p) {
  munmap(p, PAGE);
}

static void* churn(void* unused) {
  (void)unused;
  pthread_setspecific(key, map(4 * PAGE));
  for (;;) {
    char* p = map(PAGE);
    pthread_cleanup_push(cleanup, p);
    pthread_testcancel();
    pthread_cleanup_pop(1);
    atomic_fetch_add(&spinning, 1);
  }
  return NULL;
}

static void last(void) {
  fact("atexit %d", map(MIB) != NULL);
}

int main(void) {
  atexit(last);
  pthread_key_create(&key, destroy);
  int cancelled = 0;
  for (int i = 0; i < 100; ++i) {
    pthread_t thread;
    void* result = NULL;
    NEED(pthread_create(&thread, NULL, churn, NULL) == 0);
    const int now = atomic_load(&spinning);
    while (atomic_load(&spinning) == now) sched_yield();
    pthread_cancel(thread);
    pthread_join(thread, &result);
    cancelled += result == PTHREAD_CANCELED;
  }
  fact("cancelled %d destroyed %d", cancelled, atomic_load(&destroyed));
  return 0;
}
