// The process's first mapping is made by a handler on a small alternate stack with a guard below.
#include "scenario.h"

static _Atomic int ok;

static void handler(int signal) {
  (void)signal;
  char* p = mmap(NULL, 2 * PAGE, RW, PRIVATE, -1, 0);
  ok = p != MAP_FAILED && is_zero(p, 2 * PAGE) && munmap(p, 2 * PAGE) == 0;
}

int main(void) {
  const size_t least = (size_t)sysconf(_SC_MINSIGSTKSZ);
  size_t size = 8192;  // SIGSTKSZ, as it was for thirty years and as most hosts still have it
  while (size < least + 5000) size += PAGE;
  // Not by mmap: the window must still be closed.
  static char room[1 << 17] __attribute__((aligned(4096)));
  NEED(size + PAGE <= sizeof room);
  FACT(mprotect(room, PAGE, PROT_NONE));
  const stack_t stack = {.ss_sp = room + PAGE, .ss_size = size};
  NEED(sigaltstack(&stack, NULL) == 0);
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  NEED(sigaction(SIGUSR1, &action, NULL) == 0);
  raise(SIGUSR1);
  fact("first %d", ok);
  raise(SIGUSR1);
  fact("second %d", ok);
  return 0;
}
