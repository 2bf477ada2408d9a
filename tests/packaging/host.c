// A host whose mappings JITCORRAL_POLICY=all steers; it needs libc alone, so it runs in any root.
// With an argument it stays, and maps once more at each SIGUSR1.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static int map(void) {
  char* block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return 1;
  memset(block, 1, 1 << 20);
  return puts("mapped") < 0 || fflush(stdout) != 0;
}

int main(int argc, char** argv) {
  (void)argv;
  sigset_t more;
  sigemptyset(&more);
  sigaddset(&more, SIGUSR1);
  sigprocmask(SIG_BLOCK, &more, NULL);
  int failed = map();
  for (int number = 0; argc > 1 && !failed && sigwait(&more, &number) == 0;) failed = map();
  return failed;
}
