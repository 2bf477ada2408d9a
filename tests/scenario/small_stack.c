// Threads with the smallest stack that there is map and unmap.
#include <limits.h>
#include "scenario.h"

static void* body(void* unused) {
  (void)unused;
  char* p = map(2 * MIB);
  char* q = map(2 * PAGE);
  const int ok = p && q && munmap(p, 2 * MIB) == 0 && munmap(q, 2 * PAGE) == 0;
  return (void*)(intptr_t)ok;
}

int main(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  NEED(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0);
  for (int i = 0; i < 20; ++i) {
    pthread_t thread;
    void* result = NULL;
    NEED(pthread_create(&thread, &attributes, body, NULL) == 0);
    pthread_join(thread, &result);
    if (!result) fact("failed");
  }
  fact("done");
  return 0;
}
