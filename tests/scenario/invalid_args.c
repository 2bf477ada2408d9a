// What the kernel refuses for its form is refused by the same errno, by function and by syscall().
#include "scenario.h"

#define MAPS(...)                                                                          \
  do {                                                                                     \
    errno = 0;                                                                             \
    void* got = mmap(__VA_ARGS__);                                                         \
    fact("mmap(%s) %s %s", #__VA_ARGS__, got == MAP_FAILED ? "fails" : "ok",               \
         name_of_error(got == MAP_FAILED ? errno : 0));                                    \
    errno = 0;                                                                             \
    const long raw = syscall(SYS_mmap, __VA_ARGS__);                                       \
    fact("  raw %s %s", raw == -1 ? "fails" : "ok", name_of_error(raw == -1 ? errno : 0)); \
  } while (0)

int main(void) {
  char* p = map(8 * PAGE);
  NEED(p);
  void* const null = NULL;
  MAPS(null, (size_t)0, RW, PRIVATE, -1, (off_t)0);
  MAPS(null, PAGE, RW, MAP_ANONYMOUS, -1, (off_t)0);
  MAPS(null, PAGE, RW, MAP_PRIVATE, -1, (off_t)0);
  MAPS(null, PAGE, RW, MAP_PRIVATE, 12345, (off_t)0);
  MAPS(null, PAGE, RW, PRIVATE, -1, (off_t)5);
  MAPS(null, PAGE, 0x1000, PRIVATE, -1, (off_t)0);
  MAPS(null, PAGE, RW, PRIVATE | MAP_SHARED, -1, (off_t)0);
  MAPS(null, (size_t)1 << 48, RW, PRIVATE, -1, (off_t)0);
  MAPS(null, SIZE_MAX, RW, PRIVATE, -1, (off_t)0);
  MAPS(null, SIZE_MAX - PAGE, RW, PRIVATE, -1, (off_t)0);
  MAPS((void*)(p + 1), PAGE, RW, PRIVATE | MAP_FIXED, -1, (off_t)0);
  MAPS((void*)p, (size_t)0, RW, PRIVATE | MAP_FIXED, -1, (off_t)0);
  MAPS((void*)p, (size_t)1 << 47, RW, PRIVATE | MAP_FIXED, -1, (off_t)0);
  MAPS((void*)p, ((size_t)1 << 47) - 2 * PAGE, PROT_NONE, PRIVATE | MAP_FIXED | MAP_NORESERVE, -1,
       (off_t)0);
  MAPS((void*)p, PAGE, RW, MAP_PRIVATE | MAP_FIXED, 12345, (off_t)0);
  MAPS((void*)16, PAGE, RW, PRIVATE, -1, (off_t)0);
  FACT(munmap(p, 0));
  FACT(munmap(p + 1, PAGE));
  FACT(munmap((void*)-4096L, PAGE));
  FACT(mprotect(p, 0, RW));
  FACT(mprotect(p + 1, PAGE, RW));
  FACT(mprotect(p, SIZE_MAX, RW));
  FACT(mprotect(p, PAGE, 0x1000));
  FACT(mprotect(p, PAGE, -1));
  FACT(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN));
  FACT(pkey_mprotect(p, PAGE, RW, -1));
  FACT(pkey_mprotect(p, PAGE, RW, 15));
  FACT(pkey_mprotect(p, PAGE, RW, 1000));
  FACT(pkey_mprotect(p, PAGE, RW, -3));
  FACT(madvise(p, 0, 0));
  FACT(madvise(p, 0, 999));
  FACT(madvise(p + 1, PAGE, 0));
  FACT(madvise(p, SIZE_MAX, 0));
  FACT(madvise(p, PAGE, 999));
  unsigned char core[8];
  FACT(mincore(p, 0, core));
  FACT(mincore(p + 1, PAGE, core));
  FACT(mincore(p, 8 * PAGE, (void*)16));
  FACT(mincore(p, SIZE_MAX, core));
  FACT(msync(p, 0, MS_SYNC));
  FACT(msync(p + 1, PAGE, MS_SYNC));
  FACT(msync(p, PAGE, 99));
  FACT(msync(p, PAGE, MS_SYNC | MS_ASYNC));
  FACT(mlock(p, 0));
  FACT(mlock(p + 5, 1));
  FACT(munlock(p + 5, 1));
  FACT(munlock(p, SIZE_MAX));
  FACT(syscall(SYS_mlock2, p, PAGE, 77));
  FACT(mlockall(99));
  FACT(mlockall(0));
  fact("still %s", pages(p, 8));
  return 0;
}
