// Where no room for the window can be found, that is not looked for at every call.
#include "scenario.h"

int main(void) {
  for (int i = 0; i < 3000; ++i) {
    char* p = map(PAGE);
    NEED(p);
    NEED(munmap(p, PAGE) == 0);
  }
  struct rusage used;
  NEED(getrusage(RUSAGE_SELF, &used) == 0);
  const long ms = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                  (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
  aside("%ld ms", ms);
  fact("within half a second %d", ms < 500);
  return 0;
}
