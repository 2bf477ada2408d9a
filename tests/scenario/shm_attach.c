// shmat at an address that was mapped and given back; what lies there must stay.
#include <sys/shm.h>
#include "scenario.h"

static char* attach(int id, char* at, int flags, const char* what) {
  errno = 0;
  char* p = shmat(id, at, flags);
  fact("%s: %s %s", what,
       p == at          ? "there"
       : p == (char*)-1 ? "fails"
                        : "elsewhere",
       name_of_error(p == (char*)-1 ? errno : 0));
  return p;
}

int main(void) {
  const size_t size = 4 * MIB;
  const int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
  if (id < 0) skip("no System V shared memory");
  char* p = map(2 * size);
  NEED(p);
  FACT(munmap(p, 2 * size));
  char* s = attach(id, p, 0, "into a hole");
  if (s == p) {
    fill(s, size, 5);
    FACT(shmdt(s));
  }
  s = attach(id, p, SHM_REMAP, "into a hole, SHM_REMAP");
  shmctl(id, IPC_RMID, NULL);
  NEED(s == p);
  fill(s, size, 6);
  for (int i = 0; i < 300; ++i) {
    char* q = map(i % 2 ? MIB : 8 * PAGE);
    NEED(q);
    fill(q, 8 * PAGE, 1);
  }
  fact("holds %d", holds(s, size, 6, 0));
  FACT(mprotect(s, size, PROT_READ));
  fact("protected %s", pages(s, 1));
  FACT(shmdt(s));
  fact("detached %s", pages(s, 1));
  return 0;
}
