// RLIMIT_AS set by another process, as `prlimit --pid` does: what is then granted bare is granted.
// Argument: the kind of call that meets the limit first.
#include "scenario.h"

static const struct rlimit kLimit = {(size_t)1 << 30, (size_t)1 << 30};

static int child(const char* how, int may_begin) {
  char* p = map(4 * MIB);
  NEED(p);
  fill(p, 4 * MIB, 1);
  char* hole;
  jitcorral_window window = {0, 0, 0};
  if (jitcorral_get_window) jitcorral_get_window(&window, sizeof window);
  if (window.size != 0) {
    hole = (char*)window.base;
  } else {
    hole = map(900 * MIB);
    NEED(hole && munmap(hole, 900 * MIB) == 0);
  }
  char c;
  if (read(may_begin, &c, 1) != 1) return 9;
  errno = 0;
  char* q = MAP_FAILED;
  const size_t size = 700 * MIB;
  if (strcmp(how, "grow") == 0) q = mremap(p, 4 * MIB, size, MREMAP_MAYMOVE);
  if (strcmp(how, "fixed") == 0) q = mmap(hole, size, RW, PRIVATE | MAP_FIXED, -1, 0);
  if (strcmp(how, "hint") == 0)
    q = mmap(hole, size, RW, PRIVATE | MAP_NORESERVE | MAP_STACK, -1, 0);
  fact("%s %s", how, q == MAP_FAILED ? name_of_error(errno) : "granted");
  return q == MAP_FAILED;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int ends[2];
  NEED(pipe(ends) == 0);
  const pid_t pid = fork();
  if (pid == 0) _exit(child(argv[1], ends[0]));
  usleep(100000);
  NEED(prlimit(pid, RLIMIT_AS, &kLimit, NULL) == 0);
  NEED(write(ends[1], "x", 1) == 1);
  int status = 0;
  NEED(waitpid(pid, &status, 0) == pid);
  fact("child %x", (unsigned)status);
  return 0;
}
