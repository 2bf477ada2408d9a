// A library whose constructor maps, and waits for a thread that maps.
#include "scenario.h"

int library_result;

static void* body(void* unused) {
  (void)unused;
  char* p = map(MIB);
  return (void*)(intptr_t)(p != NULL && munmap(p, MIB) == 0);
}

__attribute__((constructor)) static void begin(void) {
  pthread_t thread;
  void* result = NULL;
  if (map(3 * PAGE) == NULL) return;
  if (pthread_create(&thread, NULL, body, NULL) != 0) return;
  pthread_join(thread, &result);
  library_result = (int)(intptr_t)result;
}
