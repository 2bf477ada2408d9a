// No key has the number -2.
#include "scenario.h"

int main(void) {
  char* p = map(PAGE);
  NEED(p);
  FACT(pkey_mprotect(p, PAGE, PROT_NONE, -2));
  FACT(syscall(SYS_pkey_mprotect, p, PAGE, PROT_NONE, -2));
  fact("still %s", pages(p, 1));
  return 0;
}
