// A handler that leaves by siglongjmp, often out of the middle of a mapping call: the thread goes
// on as before, and is still served.
#include <setjmp.h>
#include <sys/time.h>
#include "scenario.h"

static sigjmp_buf back;
static _Atomic int jumps;
static volatile sig_atomic_t armed;

static void handler(int signal) {
  (void)signal;
  if (!armed) return;
  armed = 0;
  atomic_fetch_add(&jumps, 1);
  siglongjmp(back, 1);
}

int main(void) {
  struct sigaction action = {.sa_handler = handler};
  NEED(sigaction(SIGALRM, &action, NULL) == 0);
  const struct itimerval often = {{0, 120}, {0, 120}};
  NEED(setitimer(ITIMER_REAL, &often, NULL) == 0);
  char* volatile scratch = NULL;
  while (atomic_load(&jumps) < 3000) {
    if (sigsetjmp(back, 1) == 0) {
      armed = 1;
      for (;;) {
        scratch = mmap(NULL, PAGE, RW, PRIVATE, -1, 0);
        munmap(scratch, PAGE);
      }
    }
  }
  const struct itimerval never = {{0, 0}, {0, 0}};
  NEED(setitimer(ITIMER_REAL, &never, NULL) == 0);
  int steered = 0, broken = 0;
  for (int i = 0; i < 100; ++i) {
    char* p = map(2 * PAGE);
    NEED(p);
    broken += !is_zero(p, 2 * PAGE);
    steered += inside(p);
    broken += munmap(p, 2 * PAGE) != 0;
  }
  fact("broken %d", broken);
  // Bare: nothing to say. Under the shim: all 100.
  fact("served afterwards %d", jitcorral_inside ? steered : 100);
  return 0;
}
