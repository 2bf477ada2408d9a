// How much a process can map under RLIMIT_AS, in MiB, give or take a few for the library itself.
// Arguments: how the limit comes: inherited, setrlimit, prlimit, syscall, thread, outside.
#include <sys/prctl.h>
#include "scenario.h"

static const struct rlimit kLimit = {(size_t)1 << 30, (size_t)1 << 30};

static long count_maps(size_t length) {
  long n = 0;
  while (map(length)) ++n;
  return n;
}

static void* lower(void* how) {
  const int tid = (int)syscall(SYS_gettid);
  if (strcmp(how, "thread") == 0) prlimit(tid, RLIMIT_AS, &kLimit, NULL);
  return NULL;
}

static int tell(void) {
  const long n = count_maps(MIB);
  aside("mapped %ld", n);
  // A process of nothing but libc and the shim: at least 95 % of the limit is there to be had.
  fact("at least 1000 MiB %d, not more than the limit %d", n >= 1000, n <= 1024);
  fact("errno %s", name_of_error(errno));
  return n >= 1000 ? 0 : 1;
}

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "setrlimit";
  if (strcmp(how, "inherited") == 0) {
    if (argc == 2) {
      char* arguments[] = {argv[0], argv[1], "limited", NULL};
      NEED(setrlimit(RLIMIT_AS, &kLimit) == 0);
      execv("/proc/self/exe", arguments);
      return 1;
    }
    return tell();
  }
  char* p = map(4 * MIB);
  NEED(p);
  fill(p, 4 * MIB, 1);
  if (strcmp(how, "outside") == 0) {
    // A child with a window of its own is limited by its parent, as `prlimit --pid` does.
    int ends[2];
    NEED(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
      char c;
      if (read(ends[0], &c, 1) != 1) _exit(9);
      _exit(tell());
    }
    NEED(prlimit(child, RLIMIT_AS, &kLimit, NULL) == 0);
    NEED(write(ends[1], "x", 1) == 1);
    int status = 0;
    NEED(waitpid(child, &status, 0) == child);
    fact("child %x", (unsigned)status);
    return 0;
  }
  if (strcmp(how, "setrlimit") == 0) FACT(setrlimit(RLIMIT_AS, &kLimit));
  if (strcmp(how, "prlimit") == 0) FACT(prlimit(getpid(), RLIMIT_AS, &kLimit, NULL));
  if (strcmp(how, "syscall") == 0) FACT(syscall(SYS_prlimit64, 0, RLIMIT_AS, &kLimit, NULL));
  if (strcmp(how, "setrlimit-syscall") == 0) FACT(syscall(SYS_setrlimit, RLIMIT_AS, &kLimit));
  if (strcmp(how, "thread") == 0) {
    pthread_t thread;
    NEED(pthread_create(&thread, NULL, lower, (void*)(uintptr_t)how) == 0);
    pthread_join(thread, NULL);
    munmap(map(MIB), MIB);
    // The thread's stack, 8 MiB, is kept by libc.
  }
  const int failed = tell();
  fact("still %d", holds(p, 4 * MIB, 1, 0));
  FACT(munmap(p, 4 * MIB));
  fact("four more %d", map(4 * MIB - PAGE) != NULL);
  return failed;
}
