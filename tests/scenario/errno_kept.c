// A call that succeeds leaves errno alone.
#include <malloc.h>
#include <sys/prctl.h>
#include "scenario.h"

#define KEEPS(call)                                     \
  do {                                                  \
    errno = 4711;                                       \
    (void)(call);                                       \
    if (errno != 4711) fact("%s changed errno", #call); \
  } while (0)

int main(void) {
  for (int i = 0; i < 3; ++i) {
    char* p = NULL;
    KEEPS(p = map(8 * PAGE));
    KEEPS(mprotect(p, PAGE, PROT_READ));
    KEEPS(madvise(p, PAGE, MADV_NORMAL));
    unsigned char core[8];
    KEEPS(mincore(p, 8 * PAGE, core));
    KEEPS(msync(p, PAGE, MS_SYNC));
    KEEPS(mlock(p, PAGE));
    KEEPS(munlock(p, PAGE));
    KEEPS(prctl(PR_GET_DUMPABLE));
    KEEPS(p = mremap(p, 8 * PAGE, 40 * PAGE, MREMAP_MAYMOVE));
    KEEPS(p = mremap(p, 40 * PAGE, 20 * PAGE, MREMAP_MAYMOVE));
    KEEPS(munmap(p + 4 * PAGE, PAGE));
    KEEPS(munmap(p, 40 * PAGE));
    KEEPS(p = (char*)syscall(SYS_mmap, NULL, 3 * MIB, RW, PRIVATE, -1, 0));
    KEEPS(syscall(SYS_munmap, p, 3 * MIB));
    void* q = NULL;
    KEEPS(posix_memalign(&q, PAGE, 4 * PAGE));
    KEEPS(malloc_usable_size(q));
    KEEPS(q = realloc(q, 9 * PAGE));
    KEEPS(free(q));
    KEEPS(q = aligned_alloc(PAGE, 2 * PAGE));
    KEEPS(free(q));
    KEEPS(q = valloc(PAGE));
    KEEPS(free(q));
    const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    KEEPS(setrlimit(RLIMIT_AS, &limit));
  }
  fact("done");
  return 0;
}
