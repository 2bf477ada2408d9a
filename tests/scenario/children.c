// vfork and exec, posix_spawn, exec in the same process, system().
#include <spawn.h>
#include "scenario.h"

extern char** environ;

static int wait_for(pid_t child) {
  int status = -1;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

int main(int argc, char** argv) {
  if (argc > 1) {
    char* p = map(2 * MIB);
    NEED(p);
    fact("in %s: zero %d", argv[1], is_zero(p, 2 * MIB));
    FACT(munmap(p, 2 * MIB));
    return 7;
  }
  char* p = map(MIB);
  NEED(p);
  fill(p, MIB, 4);
  char* spawned[] = {argv[0], "posix_spawn", NULL};
  pid_t child = -1;
  const int error = posix_spawn(&child, "/proc/self/exe", NULL, NULL, spawned, environ);
  const int status = wait_for(child);
  fact("posix_spawn %d status %x", error, (unsigned)status);
  char* by_vfork[] = {argv[0], "vfork", NULL};
  child = vfork();
  if (child == 0) {
    execv("/proc/self/exe", by_vfork);
    _exit(1);
  }
  fact("status %x", (unsigned)wait_for(child));
  // A vfork child is its parent: what it maps stays.
  static char* volatile left;
  child = vfork();
  if (child == 0) {
    left = mmap(NULL, 4 * PAGE, RW, PRIVATE, -1, 0);
    munmap(left + PAGE, PAGE);
    _exit(3);
  }
  fact("status %x left %s", (unsigned)wait_for(child), pages(left, 4));
  fact("system %d", system("exit 5"));
  fact("holds %d", holds(p, MIB, 4, 0));
  char* last[] = {argv[0], "exec", NULL};
  execv("/proc/self/exe", last);
  return 1;
}
