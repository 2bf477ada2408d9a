// closefrom(3), and descriptors that are counted and reused: none of them is the shim's.
#include <dirent.h>
#include "scenario.h"

static int open_descriptors(void) {
  int n = 0;
  for (int fd = 0; fd < 4096; ++fd) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

int main(void) {
  const int before = open_descriptors();
  fact("at start %d", before);
  char* p = map(MIB);
  NEED(p);
  fact("the same %d", open_descriptors() == before);
  closefrom(3);
  fact("three %d", open_descriptors());
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  fact("next %d", fd);
  for (int i = 0; i < 100; ++i) {
    char* q = map(3 * PAGE);
    NEED(q);
    FACT(i == 99 ? munmap(q, 3 * PAGE) : 0);
  }
  void* r = NULL;
  fact("%d", posix_memalign(&r, PAGE, 4 * PAGE));
  free(r);
  fact("four %d", open_descriptors());
  return 0;
}
