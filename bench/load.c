// A host under load that can be checked: maps and unmaps through an engine's library, the i-th pair
// by a length of 1 + i % 512 pages, so that an event's ticket says what it must be.
//
//   load PAIRS EVERY_US COUNT [PROGRESS]
//
// PAIRS pairs at once, once in EVERY_US microseconds, until COUNT pairs are done (0: for ever).
// PROGRESS: a file of two 64-bit numbers, kept up to date: calls that were begun, and that came
// back. At its end it prints "pairs N cpu SECONDS".
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void* engine_map(unsigned long length, int prot);
int engine_unmap(void* at, unsigned long length);

static uint64_t here[2];

static volatile uint64_t* progress_in(const char* path) {
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0 || ftruncate(fd, 4096) != 0) return 0;
  void* p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return p == MAP_FAILED ? 0 : p;
}

static int pair(uint64_t i, volatile uint64_t* progress) {
  const unsigned long length = 4096 * (1 + i % 512);
  progress[0] = 2 * i + 1;
  void* p = engine_map(length, PROT_READ | PROT_WRITE);
  if (p == MAP_FAILED) return 0;
  progress[1] = 2 * i + 1;
  progress[0] = 2 * i + 2;
  if (engine_unmap(p, length) != 0) return 0;
  progress[1] = 2 * i + 2;
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const uint64_t pairs = strtoull(argv[1], 0, 0), every = strtoull(argv[2], 0, 0) * 1000;
  const uint64_t count = strtoull(argv[3], 0, 0);
  volatile uint64_t* progress = argc > 4 ? progress_in(argv[4]) : here;
  if (progress == 0) return 3;
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  uint64_t i = 0;
  while (count == 0 || i < count) {
    for (uint64_t n = 0; n < pairs && (count == 0 || i < count); ++n, ++i)
      if (!pair(i, progress)) return 4;
    if (every == 0) continue;
    next.tv_nsec += (long)(every % 1000000000);
    next.tv_sec += (long)(every / 1000000000) + next.tv_nsec / 1000000000;
    next.tv_nsec %= 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, 0) == EINTR) {
    }
  }
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  printf("pairs %llu cpu %.6f\n", (unsigned long long)i,
         (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
             (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
  return 0;
}
