/* Preloaded into a host: makes its address space hostile, as big heaps and many threads make it at
   users' sites. Touches nothing of the host, uses no memory.

   hostile_layout(): maps 5 GiB of PROT_NONE where the kernel would put the next mapping, then fills
   every hole above it, so that whatever is mapped from now on lies more than 4 GiB away from
   everything that was mapped before. Hosts that can call C call it between two compilations.
   HOSTILE_LAYOUT=N in the environment does so at start, and leaves N holes of a page each beside
   the libraries: what is small lands there, the next block far away. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel itself is called: neither the host's doors nor jitcorral's are ours to use. By libc's
   `syscall` jitcorral would make room in its window, as for a host that asks for that very place;
   and under qemu /proc/self/maps does not always list what is PROT_NONE, so that plug() takes the
   window's free pages for a hole. */
static uintptr_t map(uintptr_t at, size_t size, int flags) {
  flags |= MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = flags;
  register long r8 __asm__("r8") = -1;
  register long r9 __asm__("r9") = 0;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(SYS_mmap), "D"(at), "S"(size), "d"((long)PROT_NONE), "r"(r10), "r"(r8),
                     "r"(r9)
                   : "rcx", "r11", "memory");
  return (uintptr_t)result;
#else
  register long x8 __asm__("x8") = SYS_mmap;
  register long x0 __asm__("x0") = (long)at;
  register long x1 __asm__("x1") = (long)size;
  register long x2 __asm__("x2") = PROT_NONE;
  register long x3 __asm__("x3") = flags;
  register long x4 __asm__("x4") = -1;
  register long x5 __asm__("x5") = 0;
  __asm__ volatile("svc 0"
                   : "+r"(x0)
                   : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8)
                   : "memory");
  return (uintptr_t)x0;
#endif
}

/* Fills the holes between mappings from `from` upwards, but leaves `holes` single pages. */
static void plug(uintptr_t from, long holes) {
  static char text[1 << 20];
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) abort();
  setvbuf(maps, NULL, _IONBF, 0);
  size_t size = 0;
  for (size_t n; (n = fread(text + size, 1, sizeof text - 1 - size, maps)) > 0;) size += n;
  fclose(maps);
  text[size] = '\0';
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t previous = 0;
  for (char* line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    unsigned long begin = 0, end = 0;
    if (sscanf(line, "%lx-%lx", &begin, &end) != 2) continue;
    if (previous != 0 && previous >= from && begin > previous) {
      uintptr_t low = previous, high = begin;
      /* The stack grows down into its own gap: leave that. */
      if (strstr(line, "[stack]") != NULL) high = high - low > 1UL << 28 ? high - (1UL << 28) : low;
      for (; holes > 0 && high - low > 2 * page; low += 2 * page, --holes)
        map(low + page, page, MAP_FIXED_NOREPLACE);
      if (high > low) map(low, high - low, MAP_FIXED_NOREPLACE);
    }
    previous = end;
  }
}

__attribute__((visibility("default"))) void hostile_layout(void) {
  static pthread_mutex_t one_by_one = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&one_by_one);
  const size_t size = 5UL << 30;
  const uintptr_t far = map(0, size + 4096, 0);
  /* libc may have mapped a little between the snapshot and the end: twice. */
  plug(far, 0);
  plug(far, 0);
  pthread_mutex_unlock(&one_by_one);
}

__attribute__((constructor)) static void at_start(void) {
  const char* wanted = getenv("HOSTILE_LAYOUT");
  if (wanted == NULL) return;
  const uintptr_t far = map(0, (5UL << 30) + 4096, 0);
  plug(far, atol(wanted));
}
