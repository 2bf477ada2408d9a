// A library that holds an engine's code generator and its heap: what the generator maps on LLVM's
// behalf is steered, the same call for anything else is not.
#include <dlfcn.h>
#include "scenario.h"

typedef void* Allocate(size_t);

static void* symbol(const char* path, const char* name) {
  void* handle = dlopen(path, RTLD_NOW);
  void* found = handle == NULL ? NULL : dlsym(handle, name);
  if (found == NULL) {
    fact("%s: %s", name, dlerror());
    exit(1);
  }
  return found;
}

static void check(const char* what, void* p, size_t size) {
  fact("%s mapped %d", what, p != MAP_FAILED);
  aside("%s steered %d", what, inside(p));
  fact("%s unmapped %d", what, munmap(p, size));
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Allocate* allocate = (Allocate*)symbol(argv[1], "allocate");
  Allocate* allocate_deep = (Allocate*)symbol(argv[1], "allocate_deep");
  void* (*emit_section)(Allocate*, size_t) =
      (void* (*)(Allocate*, size_t))symbol(argv[2], "emit_section");
  check("stack", allocate(4 * MIB), 4 * MIB);
  check("pool", allocate_deep(2 * MIB), 2 * MIB);
  check("section", emit_section(allocate, MIB), MIB);
  check("large section", emit_section(allocate, 4 * MIB), 4 * MIB);
  return 0;
}
