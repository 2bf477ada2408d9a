// main begins with errno 0, and a call that succeeds leaves it.
#include "scenario.h"

int main(void) {
  const int at_main = errno;
  errno = 0;
  NEED(mmap(NULL, PAGE, RW, PRIVATE, -1, 0) != MAP_FAILED);
  fact("errno %d at main, %d after mmap", at_main, errno);
  return 0;
}
