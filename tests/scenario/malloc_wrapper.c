// A second preload: an allocator whose every block has a header of its own, so that a pointer that
// goes back to another allocator than it came from is noticed at once. Reports its balance at exit.
#include "scenario.h"

struct header {
  void* begin;
  size_t size;
  unsigned long magic;
  unsigned long pad;
};
static const unsigned long kMagic = 0x6a17c0117a1;
static _Atomic long live;
static char early[1 << 16];
static size_t early_used;

// Memory comes by mmap, through whoever hooks that.
static void* get(size_t alignment, size_t size) {
  if (size > SIZE_MAX / 4) {
    errno = ENOMEM;
    return NULL;
  }
  if (alignment < sizeof(struct header)) alignment = sizeof(struct header);
  const size_t total = size + alignment + sizeof(struct header);
  char* begin;
  if (size < 512 && alignment <= 64 && early_used + total < sizeof early - 64) {
    static _Atomic int busy;
    while (atomic_exchange(&busy, 1)) {
    }
    begin = early + early_used;
    early_used += (total + 63) & ~(size_t)63;
    if (early_used > sizeof early) begin = NULL;
    atomic_store(&busy, 0);
    if (begin == NULL) begin = MAP_FAILED;
  } else {
    begin = mmap(NULL, total, RW, PRIVATE, -1, 0);
  }
  if (begin == MAP_FAILED) {
    errno = ENOMEM;
    return NULL;
  }
  uintptr_t at = ((uintptr_t)begin + sizeof(struct header) + alignment - 1) & ~(alignment - 1);
  struct header* h = (struct header*)at - 1;
  *h = (struct header){begin, size, kMagic, 0};
  atomic_fetch_add(&live, 1);
  return (void*)at;
}

static struct header* header_of(void* p, const char* who) {
  struct header* h = (struct header*)p - 1;
  if (h->magic != kMagic) {
    fact("FAILED: %s of a pointer that is not this allocator's", who);
    _exit(111);
  }
  return h;
}

void free(void* p) {
  if (p == NULL) return;
  struct header* h = header_of(p, "free");
  atomic_fetch_sub(&live, 1);
  h->magic = 0;
  const size_t total = h->size + ((uintptr_t)p - (uintptr_t)h->begin);
  if ((char*)h->begin < early || (char*)h->begin >= early + sizeof early) munmap(h->begin, total);
}
void* malloc(size_t size) {
  return get(32, size);
}
void* calloc(size_t n, size_t size) {
  if (size != 0 && n > SIZE_MAX / 4 / size) return NULL;
  void* p = get(32, n * size);
  if (p) memset(p, 0, n * size);
  return p;
}
size_t malloc_usable_size(void* p) {
  return p ? header_of(p, "malloc_usable_size")->size : 0;
}
void* realloc(void* p, size_t size) {
  if (p == NULL) return malloc(size);
  if (size == 0) {
    free(p);
    return NULL;
  }
  struct header* h = header_of(p, "realloc");
  void* q = malloc(size);
  if (q == NULL) return NULL;
  memcpy(q, p, h->size < size ? h->size : size);
  free(p);
  return q;
}
void* reallocarray(void* p, size_t n, size_t size) {
  if (size != 0 && n > SIZE_MAX / size) {
    errno = ENOMEM;
    return NULL;
  }
  return realloc(p, n * size);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* p = get(alignment, size);
  if (p == NULL) return ENOMEM;
  *out = p;
  return 0;
}
void* aligned_alloc(size_t alignment, size_t size) {
  return get(alignment, size);
}
void* memalign(size_t alignment, size_t size) {
  return get(alignment, size);
}
void* valloc(size_t size) {
  return get(PAGE, size);
}
void* pvalloc(size_t size) {
  return get(PAGE, (size + PAGE - 1) & ~(PAGE - 1));
}

long wrapper_live(void);
long wrapper_live(void) {
  return atomic_load(&live);
}
