// Eight threads map, unmap in part, protect, remap, advise at random (fixed seeds); each keeps a
// model of its pages and checks every one. Argument: megabytes that a thread may hold.
#include "scenario.h"

enum { kThreads = 8, kSlots = 24, kMaxPages = 80 };
static size_t budget;
static _Atomic int broken, done;

struct slot {
  char* at;
  size_t count;
  unsigned stamp[kMaxPages];  // 0: zero page; 1: not mapped
  unsigned char readonly[kMaxPages];
};
struct worker {
  unsigned long random;
  struct slot slots[kSlots];
  size_t held;
};

static unsigned next(struct worker* w, unsigned limit) {
  w->random ^= w->random << 13;
  w->random ^= w->random >> 7;
  w->random ^= w->random << 17;
  return (unsigned)(w->random >> 20) % limit;
}

static void complain(const char* what) {
  if (atomic_fetch_add(&broken, 1) < 10) fact("broken: %s", what);
}

static void check(struct slot* s) {
  for (size_t i = 0; i < s->count; ++i) {
    if (s->stamp[i] == 1) continue;
    const unsigned* p = (const unsigned*)(s->at + i * PAGE);
    if (p[0] != s->stamp[i] || p[1023] != s->stamp[i]) complain("content");
  }
}

static void drop(struct worker* w, struct slot* s) {
  check(s);
  if (munmap(s->at, s->count * PAGE) != 0) complain("munmap");
  w->held -= s->count * PAGE;
  s->at = NULL;
}

static void step(struct worker* w, unsigned id) {
  struct slot* s = &w->slots[next(w, kSlots)];
  if (s->at == NULL) {
    const size_t count = 1 + next(w, next(w, 8) ? 12 : kMaxPages / 2);
    if (w->held + count * PAGE > budget) return;
    s->at = mmap(NULL, count * PAGE, RW, PRIVATE, -1, 0);
    if (s->at == MAP_FAILED) {
      complain("mmap");
      s->at = NULL;
      return;
    }
    s->count = count;
    w->held += count * PAGE;
    memset(s->stamp, 0, sizeof s->stamp);
    memset(s->readonly, 0, sizeof s->readonly);
    check(s);
    return;
  }
  const size_t first = next(w, (unsigned)s->count);
  const size_t length = 1 + next(w, (unsigned)(s->count - first));
  int whole = 1;
  for (size_t i = first; i < first + length; ++i) whole &= s->stamp[i] != 1;
  char* const at = s->at + first * PAGE;
  switch (next(w, 8)) {
    case 0:
    case 1:
      for (size_t i = 0; i < s->count; ++i) {
        if (s->stamp[i] == 1 || s->readonly[i]) continue;
        unsigned* p = (unsigned*)(s->at + i * PAGE);
        s->stamp[i] = 2 + id * 100000 + next(w, 90000);
        p[0] = p[1023] = s->stamp[i];
      }
      break;
    case 2:
      if (whole) {
        const int readonly = (int)next(w, 2);
        if (mprotect(at, length * PAGE, readonly ? PROT_READ : RW) != 0) complain("mprotect");
        memset(s->readonly + first, readonly, length);
      }
      break;
    case 3:
      // Pages in the middle or at an end go. In bare runs other threads may take them at once, so
      // no hole is unmapped a second time.
      if (whole && length < s->count) {
        if (munmap(at, length * PAGE) != 0) complain("partial munmap");
        for (size_t i = first; i < first + length; ++i) s->stamp[i] = 1;
        // What is left on both sides is let go piece by piece.
        for (size_t i = 0; i < s->count; ++i) {
          if (s->stamp[i] == 1) continue;
          const unsigned* p = (const unsigned*)(s->at + i * PAGE);
          if (p[0] != s->stamp[i]) complain("content beside a hole");
          if (munmap(s->at + i * PAGE, PAGE) != 0) complain("single munmap");
        }
        w->held -= s->count * PAGE;
        s->at = NULL;
      }
      break;
    case 4:
      if (whole) {
        if (mmap(at, length * PAGE, RW, PRIVATE | MAP_FIXED, -1, 0) != at) complain("fixed");
        for (size_t i = first; i < first + length; ++i) s->stamp[i] = s->readonly[i] = 0;
      }
      break;
    case 5: {
      int uniform = 1;
      for (size_t i = 0; i < s->count; ++i) uniform &= s->readonly[i] == 0;
      const size_t count = 1 + next(w, kMaxPages);
      if (!uniform || w->held + count * PAGE > budget + s->count * PAGE) break;
      check(s);
      // Pieces that were replaced may be mappings of their own, which cannot be moved together.
      char* moved = mremap(s->at, s->count * PAGE, count * PAGE, MREMAP_MAYMOVE);
      if (moved == MAP_FAILED) {
        if (errno != EFAULT) complain("mremap");
        break;
      }
      w->held += count * PAGE - s->count * PAGE;
      for (size_t i = s->count; i < count; ++i) s->stamp[i] = s->readonly[i] = 0;
      s->at = moved;
      s->count = count;
      check(s);
      break;
    }
    case 6:
      if (madvise(at, length * PAGE, MADV_DONTNEED) != 0) complain("madvise");
      for (size_t i = first; i < first + length; ++i) s->stamp[i] = 0;
      break;
    default:
      drop(w, s);
  }
}

static void* body(void* number) {
  static struct worker workers[kThreads];
  const unsigned id = (unsigned)(uintptr_t)number;
  struct worker* w = &workers[id];
  w->random = 88172645463325252UL + id * 977;
  for (int i = 0; i < 15000; ++i) step(w, id);
  for (int i = 0; i < kSlots; ++i)
    if (w->slots[i].at) drop(w, &w->slots[i]);
  atomic_fetch_add(&done, 1);
  return NULL;
}

int main(int argc, char** argv) {
  budget = (size_t)(argc > 1 ? atoi(argv[1]) : 8) * MIB;
  pthread_t threads[kThreads];
  for (uintptr_t i = 0; i < kThreads; ++i)
    NEED(pthread_create(&threads[i], NULL, body, (void*)i) == 0);
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  fact("done %d broken %d", atomic_load(&done), atomic_load(&broken));
  if (jitcorral_get_counters) {
    jitcorral_counters c;
    jitcorral_get_counters(&c, sizeof c);
    aside("steered=%lu fellback=%lu", (unsigned long)c.steered, (unsigned long)c.fell_back);
  }
  return 0;
}
