// vm.max_map_count: as many mappings as bare, give or take the library's own.
#include "scenario.h"

int main(void) {
  long limit = 0;
  FILE* file = fopen("/proc/sys/vm/max_map_count", "re");
  if (!file || fscanf(file, "%ld", &limit) != 1) skip("no vm.max_map_count");
  fclose(file);
  if (limit > 100000) skip("vm.max_map_count is %ld: too many maps to try", limit);
  // Executable: it merges with none of the others, so that giving it back splits nothing.
  char* last = mmap(NULL, MIB, RW | PROT_EXEC, PRIVATE, -1, 0);
  if (last == MAP_FAILED) last = NULL;
  NEED(last);
  long n = 0;
  char* p = NULL;
  for (;; ++n) {
    p = mmap(NULL, PAGE, n % 2 ? PROT_READ : RW, PRIVATE, -1, 0);
    if (p == MAP_FAILED) break;
  }
  fact("errno %s", name_of_error(errno));
  aside("mapped %ld of %ld", n, limit);
  fact("nearly all %d", n > limit - 70 && n <= limit);
  // At the limit: splitting is refused and changes nothing; giving back works.
  fill(last, MIB, 5);
  errno = 0;
  const int split = munmap(last + 4 * PAGE, PAGE);
  fact("split %d %s", split, name_of_error(split ? errno : 0));
  fact("holds %d", holds(last, 4 * PAGE, 5, 0));
  FACT(munmap(last, MIB));
  fact("gone %s", pages(last, 2));
  fact("again %d", mmap(NULL, PAGE, PROT_NONE, PRIVATE, -1, 0) != MAP_FAILED);
  return 0;
}
