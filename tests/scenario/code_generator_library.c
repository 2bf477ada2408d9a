// Built twice: as an engine's library, whose blocks are for its code generator or not, and as
// LLVM's, through which the generator is asked for sections.
#include <stddef.h>
#include <sys/mman.h>

typedef void* Allocate(size_t);

__attribute__((noinline)) static void* map_pages(size_t size) {
  void* volatile p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p;
}

void* allocate(size_t size) {
  void* volatile p = map_pages(size);
  return p;
}

// Called from within the library only, by a longer way than any that leads from LLVM.
__attribute__((noinline)) static void* by_way_of(int more, size_t size) {
  void* volatile p = more > 0 ? by_way_of(more - 1, size) : allocate(size);
  return p;
}
void* allocate_deep(size_t size) {
  void* volatile p = by_way_of(1, size);
  return p;
}

void* emit_section(Allocate* ask, size_t size) {
  void* volatile p = ask(size);
  return p;
}
