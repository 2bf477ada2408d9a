// A library that is no JIT is closed and a JIT is loaded in its place: its calls come from the same
// return address, and are steered.
#include <dlfcn.h>
#include "scenario.h"

static void* call_into(const char* path) {
  void* handle = dlopen(path, RTLD_NOW);
  if (handle == NULL) {
    fact("dlopen: %s", dlerror());
    exit(1);
  }
  void* (*maps)(void) = (void* (*)(void))dlsym(handle, "maps");
  void* p = maps();
  fact("mapped %d", p != MAP_FAILED);
  if (p != MAP_FAILED) munmap(p, PAGE);
  void* at = (void*)maps;
  aside("%s steered %d", strrchr(path, '/') + 1, inside(p));
  fact("closed %d", dlclose(handle));
  return at;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const void* plain = call_into(argv[1]);
  const void* engine = call_into(argv[2]);
  aside("same place %d", plain == engine);
  call_into(argv[1]);
  return 0;
}
