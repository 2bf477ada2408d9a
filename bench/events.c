// Makes N events (mmap, munmap) of a JIT caller as fast as it can, with `pause_us` microseconds of
// work between them; prints its own CPU time in seconds.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

int main(int argc, char** argv) {
  const long events = argc > 1 ? atol(argv[1]) : 1000000;
  const long pause_ns = argc > 2 ? atol(argv[2]) : 0;
  for (long i = 0; i < events; i += 2) {
    void* p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || munmap(p, 4096) != 0) return 1;
    struct timespec from, now;
    clock_gettime(CLOCK_MONOTONIC, &from);
    do clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - from.tv_sec) * 1000000000L + now.tv_nsec - from.tv_nsec < pause_ns);
  }
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  printf("%.6f\n", (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
  return 0;
}
