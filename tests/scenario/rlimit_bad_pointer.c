// A bad pointer is the kernel's to refuse.
#include "scenario.h"

int main(void) {
  map(PAGE);
  struct rlimit* bad = (struct rlimit*)16;
  FACT(prlimit(0, RLIMIT_AS, NULL, NULL));
  FACT(syscall(SYS_prlimit64, 0, RLIMIT_AS, bad, NULL));
  FACT(syscall(SYS_setrlimit, RLIMIT_AS, bad));
  FACT(setrlimit(RLIMIT_AS, bad));
  FACT(prlimit(0, RLIMIT_AS, bad, NULL));
  FACT(prlimit(99999999, RLIMIT_AS, NULL, NULL));
  return 0;
}
