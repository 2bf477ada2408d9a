// RLIMIT_DATA: as many private writable mappings as bare.
#include "scenario.h"

int main(void) {
  char* p = map(MIB);
  NEED(p);
  const struct rlimit limit = {64 * MIB, 64 * MIB};
  FACT(setrlimit(RLIMIT_DATA, &limit));
  long n = 0;
  while (n < 1000 && map(MIB)) ++n;
  fact("errno %s", name_of_error(errno));
  aside("mapped %ld", n);
  fact("in range %d", n >= 60 && n <= 63);
  fact("read-only is not counted %d",
       mmap(NULL, 200 * MIB, PROT_READ, PRIVATE, -1, 0) != MAP_FAILED);
  return 0;
}
