// A program that stands in for mmap and hands on, as sanitizer runtimes and profilers do: its
// engine is served all the same, and calls of its own that are no engine's are not. Argument: the
// library.
#include <dlfcn.h>
#include "scenario.h"

static long count;

__attribute__((visibility("default"), noinline)) void* mmap(void* at, size_t length, int prot,
                                                            int flags, int fd, off_t offset) {
  static __typeof__(mmap)* next;
  if (next == NULL) {
    void* found = dlsym(RTLD_NEXT, "mmap");
    memcpy(&next, &found, sizeof next);
  }
  void* volatile p = next(at, length, prot, flags, fd, offset);
  ++count;
  return p;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  void* library = dlopen(argv[1], RTLD_NOW);
  if (library == NULL) skip("%s", dlerror());
  void* found = dlsym(library, "maps");
  void* (*maps)(void);
  memcpy(&maps, &found, sizeof maps);
  const long before = count;
  char* of_engine = maps();
  char* of_program = mmap(NULL, PAGE, RW, PRIVATE, -1, 0);
  NEED(of_engine != MAP_FAILED && of_program != MAP_FAILED);
  of_engine[0] = of_program[0] = 1;
  fact("intercepted %ld", count - before);
  aside("engine %d program %d", inside(of_engine), inside(of_program));
  return 0;
}
