// syscall() hands every other number through untouched, with all six arguments.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include "scenario.h"

static _Atomic int word, second;

static void* waiter(void* unused) {
  (void)unused;
  struct timespec forever = {100, 0};
  while (atomic_load(&second) == 0)
    syscall(SYS_futex, &second, FUTEX_WAIT_BITSET_PRIVATE, 0, &forever, NULL, 0x40);
  return NULL;
}

int main(void) {
  map(PAGE);
  fact("getpid %d", syscall(SYS_getpid) == getpid());
  fact("gettid %d", syscall(SYS_gettid) == gettid());
  fact("write %ld", syscall(SYS_write, 1, "by syscall\n", 11));
  FACT(syscall(SYS_close, 9999));
  FACT(syscall(100000L));
  FACT(syscall(-1L));
  FACT(syscall(511L));
  FACT(syscall(512L));
  // Six arguments: compare val3 of CMP_REQUEUE is the sixth.
  FACT(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1L, &second, 5));
  FACT(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1L, &second, 0));
  struct timespec past = {0, 0};
  FACT(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &past, NULL, 0x40));
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, waiter, NULL) == 0);
  atomic_store(&second, 1);
  syscall(SYS_futex, &second, FUTEX_WAKE_BITSET_PRIVATE, 100, NULL, NULL, 0x40);
  pthread_join(thread, NULL);
  const long child = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0L);
  if (child == 0) {
    void* p = map(3 * PAGE);
    fill(p, 3 * PAGE, 1);
    _exit(munmap(p, 3 * PAGE) == 0 ? 42 : 1);
  }
  int status = 0;
  fact("clone %d", waitpid((pid_t)child, &status, 0) == child);
  fact("status %d", WEXITSTATUS(status));
  char* p = (char*)syscall(SYS_mmap, NULL, 4 * PAGE, RW, PRIVATE, -1, 0L);
  NEED(p != MAP_FAILED);
  fill(p, 4 * PAGE, 2);
  FACT(syscall(SYS_mprotect, p, PAGE, PROT_NONE));
  fact("%s", pages(p, 4));
  fact("mremap %d", syscall(SYS_mremap, p, 4 * PAGE, 3 * PAGE, 0, NULL) == (long)p);
  FACT(syscall(SYS_munmap, p, 4 * PAGE));
  fact("%s", pages(p, 4));
  return 0;
}
