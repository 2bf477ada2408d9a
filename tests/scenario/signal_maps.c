// A signal handler maps and unmaps at a high rate while its thread does the same.
#include <sys/time.h>
#include "scenario.h"

static _Atomic int runs, broken;

static void cycle(unsigned seed, size_t length) {
  char* p = map(length);
  if (!p || !is_zero(p, length)) {
    atomic_fetch_add(&broken, 1);
    return;
  }
  fill(p, length, seed);
  if (mprotect(p, PAGE, PROT_READ) != 0 || !holds(p, length, seed, 0)) atomic_fetch_add(&broken, 1);
  if (munmap(p, length) != 0) atomic_fetch_add(&broken, 1);
}

static void handler(int signal) {
  (void)signal;
  const int error = errno;
  const int n = atomic_fetch_add(&runs, 1);
  cycle((unsigned)n, n % 8 ? 2 * PAGE : MIB);
  errno = error;
}

int main(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  NEED(sigaction(SIGALRM, &action, NULL) == 0);
  const struct itimerval often = {{0, 150}, {0, 150}};
  NEED(setitimer(ITIMER_REAL, &often, NULL) == 0);
  for (unsigned i = 0; atomic_load(&runs) < 3000 && i < 4000000; ++i)
    cycle(i, i % 16 ? (1 + i % 5) * PAGE : MIB + PAGE);
  const struct itimerval never = {{0, 0}, {0, 0}};
  NEED(setitimer(ITIMER_REAL, &never, NULL) == 0);
  fact("enough %d broken %d", atomic_load(&runs) >= 3000, atomic_load(&broken));
  return 0;
}
