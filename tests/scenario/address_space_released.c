// Under RLIMIT_AS, set before the start: what was mapped and given back can be had again, by libc
// too. Argument: nothing; the program limits itself and runs itself.
#include "scenario.h"

int main(int argc, char** argv) {
  if (argc == 1) {
    const struct rlimit limit = {(size_t)1 << 30, (size_t)1 << 30};
    NEED(setrlimit(RLIMIT_AS, &limit) == 0);
    char* arguments[] = {argv[0], "limited", NULL};
    execv("/proc/self/exe", arguments);
    return 1;
  }
  const size_t size = 600 * MIB;
  for (int i = 0; i < 3; ++i) {
    char* p = map(size);
    fact("mapped %d", p != NULL);
    if (p == NULL) return 1;
    p[size - 1] = 1;
    FACT(munmap(p, size));
    fact("still charged %d", status_of("VmSize:") > 300 << 10);
    char* q = malloc(size);
    fact("libc's %d", q != NULL);
    free(q);
  }
  return 0;
}
