// A handler forks while its thread is in the middle of mapping calls, and the child returns from
// the handler and goes on where the parent was.
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include "scenario.h"

static volatile sig_atomic_t is_child, forks;
static volatile pid_t child;

static void on_alarm(int signal) {
  (void)signal;
  const int error = errno;
  child = fork();
  is_child = child == 0;
  if (child > 0) ++forks;
  errno = error;
}

int main(void) {
  struct sigaction action = {.sa_handler = on_alarm};
  NEED(sigaction(SIGALRM, &action, NULL) == 0);
  int killed = 0;
  for (int turn = 0; turn < 400; ++turn) {
    const int before = forks;
    // At another moment each time.
    struct itimerval soon = {{0, 0}, {0, 20 + turn * 37 % 150}};
    NEED(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    while (forks == before && !is_child) {
      char* p = mmap(NULL, PAGE, RW | PROT_EXEC, PRIVATE, -1, 0);
      NEED(p != MAP_FAILED);
      NEED(mprotect(p, PAGE, PROT_READ) == 0);
      NEED(munmap(p, PAGE) == 0);
    }
    if (is_child) _exit(0);
    int status = 0;
    NEED(waitpid(child, &status, 0) == child);
    killed += WIFSIGNALED(status);
  }
  printf("%d children were killed\n", killed);
  return 0;
}
