// dlopen of a library whose constructor maps and waits for a thread that maps; meanwhile another
// thread maps all the time. Argument: the library.
#include <dlfcn.h>
#include "scenario.h"

static _Atomic int stop, broken;

static void* churn(void* unused) {
  (void)unused;
  while (!atomic_load(&stop)) {
    char* p = map(2 * PAGE);
    if (!p || munmap(p, 2 * PAGE) != 0) atomic_fetch_add(&broken, 1);
  }
  return NULL;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  alarm(60);  // the end of a deadlock
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, churn, NULL) == 0);
  int good = 0;
  for (int i = 0; i < 30; ++i) {
    void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) skip("%s", dlerror());
    const int* result = dlsym(library, "library_result");
    good += result != NULL && *result == 1;
    dlsym(library, "no_such_name");
    dlclose(library);
  }
  atomic_store(&stop, 1);
  pthread_join(thread, NULL);
  fact("good %d broken %d", good, atomic_load(&broken));
  return 0;
}
