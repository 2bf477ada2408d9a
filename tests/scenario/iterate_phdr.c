// A dl_iterate_phdr callback holds the linker's lock while it waits for a thread that maps.
#include <link.h>
#include "scenario.h"

static void* body(void* unused) {
  (void)unused;
  return map(MIB);
}

static int callback(struct dl_phdr_info* info, size_t size, void* unused) {
  (void)info;
  (void)size;
  (void)unused;
  pthread_t thread;
  void* result = NULL;
  if (pthread_create(&thread, NULL, body, NULL) != 0) return -1;
  pthread_join(thread, &result);
  return result ? 1 : 2;
}

int main(void) {
  alarm(20);  // the end of a deadlock
  fact("%d", dl_iterate_phdr(callback, NULL));
  return 0;
}
