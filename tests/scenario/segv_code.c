// A fault on memory that was given back says "not mapped" to the handler, not "no permission".
#include <setjmp.h>
#include "scenario.h"

static sigjmp_buf back;
static volatile int code;

static void handler(int signal, siginfo_t* info, void* unused) {
  (void)signal;
  (void)unused;
  code = info->si_code;
  siglongjmp(back, 1);
}

static void touch(const char* what, volatile char* p) {
  code = 0;
  if (sigsetjmp(back, 1) == 0) *p = 1;
  fact("%s: %s", what,
       code == 0             ? "no fault"
       : code == SEGV_MAPERR ? "MAPERR"
       : code == SEGV_ACCERR ? "ACCERR"
                             : "other");
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  NEED(sigaction(SIGSEGV, &action, NULL) == 0);
  for (size_t unit = PAGE; unit <= 2 * MIB; unit *= 8) {
    char* p = map(4 * unit);
    NEED(p);
    FACT(mprotect(p, PAGE, PROT_NONE));
    touch("protected", p);
    FACT(munmap(p, 4 * unit));
    touch("given back", p);
    touch("given back, in the middle", p + 2 * unit);
  }
  return 0;
}
