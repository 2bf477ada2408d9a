/* A stand-in for a JIT engine's memory manager, in a library by whose name (LLVM) or text
 * (Cranelift) the shim recognises it. Its calls go through frames of its own, as an engine's do. */
#include "engine.h"

#include <stdlib.h>
#include <sys/mman.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(suffix) JOIN(ENGINE, suffix)
#define FRAME __attribute__((noinline))

#ifdef ENGINE_IS_CRANELIFT
/* What the shim looks for: the unwinder's import first, then the path in a panic location. */
extern unsigned long _Unwind_GetRegionStart(void*);
const char* cranelift_bench_location = "cranelift-jit-0.116.1/src/memory.rs";
unsigned long cranelift_bench_import(void* context) {
  return _Unwind_GetRegionStart(context);
}
#endif

FRAME static void* map_it(size_t size) {
  void* p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  __asm__ volatile("" ::: "memory");
  return p;
}
FRAME static void* allocate_section(size_t size) {
  void* p = map_it(size);
  __asm__ volatile("" ::: "memory");
  return p;
}
FRAME static void* load_object(size_t size) {
  void* p = allocate_section(size);
  __asm__ volatile("" ::: "memory");
  return p;
}

void* NAME(_map)(size_t size) {
  void* p = load_object(size);
  __asm__ volatile("" ::: "memory");
  return p;
}
void* NAME(_memalign)(size_t alignment, size_t size) {
  void* p = NULL;
  if (posix_memalign(&p, alignment, size) != 0) return NULL;
  return p;
}
