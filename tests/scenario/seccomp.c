// Allow-list filters that kill, brought by prctl or by syscall(). Arguments: prctl|syscall
// early|late WHAT; WHAT names what the process does behind the filter and so what it allows:
//   maps    mmap munmap mprotect mremap madvise; maps-no-heap: and malloc was never called
//   mmap    mmap only, munmap never
//   munmap  munmap only, mmap never
//   grow    mremap only
//   setrlimit   setrlimit, not prlimit64
//   exec    what a plain program of this libc needs from its start to its end
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include "scenario.h"

static struct sock_filter code[256];
static unsigned short length;

static void add(unsigned short op, unsigned k, unsigned char yes, unsigned char no) {
  code[length++] = (struct sock_filter){op, yes, no, k};
}
static void allow(long number) {
  add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1);
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static void install(const char* how, const long* numbers) {
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
  for (; *numbers >= 0; ++numbers) allow(*numbers);
  allow(SYS_write);
  allow(SYS_exit_group);
  allow(SYS_rt_sigreturn);
  add(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
  struct sock_fprog program = {length, code};
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  const long r = strcmp(how, "prctl") == 0
                     ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)
                     : syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
  if (r != 0) skip("this kernel takes no seccomp filter");
}

static void work(void) {
  for (int i = 0; i < 40; ++i) {
    const size_t size = i % 4 ? (size_t)(1 + i) * PAGE : 3 * MIB;
    char* p = map(size);
    NEED(p);
    fill(p, size, 3);
    NEED(mprotect(p, PAGE, PROT_READ) == 0);
    NEED(mprotect(p, PAGE, RW) == 0);
    NEED(madvise(p, PAGE, MADV_NORMAL) == 0);
    p = mremap(p, size, size + 4 * PAGE, MREMAP_MAYMOVE);
    NEED(p != MAP_FAILED);
    NEED(holds(p, PAGE, 3, 0));
    NEED(munmap(p + PAGE, PAGE) == 0);
    NEED(munmap(p, size + 4 * PAGE) == 0);
    NEED(mprotect(p, 8 * MIB, PROT_NONE) == -1 || 1);
  }
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "filtered") == 0) {
    char* p = mmap(NULL, 2 * MIB, RW, PRIVATE, -1, 0);
    if (p == MAP_FAILED || munmap(p, 2 * MIB) != 0) _exit(1);
    _exit(write(1, "filtered\n", 9) == 9 ? 0 : 2);
  }
  if (argc < 4) return 2;
  const char *how = argv[1], *what = argv[3];
  const int late = strcmp(argv[2], "late") == 0;
  char *p = NULL, *q = NULL;
  // A host has used its heap; the one that has not never calls brk.
  if (strcmp(what, "maps-no-heap") == 0)
    what = "maps";
  else
    free(malloc(100));
  if (late) {
    p = map(4 * MIB);
    q = map(2 * PAGE);
    NEED(p && q);
    if (jitcorral_inside) aside("late steered %d", inside(p));
  }
  if (strcmp(what, "maps") == 0) {
    install(how, (long[]){SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, -1});
    work();
    if (p) NEED(munmap(p, 4 * MIB) == 0);
  } else if (strcmp(what, "mmap") == 0) {
    install(how, (long[]){SYS_mmap, -1});
    for (int i = 0; i < 60; ++i) {
      char* m = map(i == 0 ? MIB : i % 8 ? 2 * PAGE : 512 * PAGE);
      NEED(m);
      fill(m, PAGE, 1);
    }
  } else if (strcmp(what, "munmap") == 0) {
    if (!p) return 2;
    install(how, (long[]){SYS_munmap, -1});
    NEED(munmap(q, PAGE) == 0);
    NEED(munmap(p, 2 * MIB) == 0);
    NEED(munmap(p, 4 * MIB) == 0);
  } else if (strcmp(what, "grow") == 0) {
    if (!p) return 2;
    p = mremap(p, 4 * MIB, 2 * MIB, 0);
    install(how, (long[]){SYS_mremap, -1});
    p = mremap(p, 2 * MIB, 3 * MIB, MREMAP_MAYMOVE);
    NEED(p != MAP_FAILED);
    p = mremap(p, 3 * MIB, 30 * MIB, MREMAP_MAYMOVE);
    NEED(p != MAP_FAILED);
    p[30 * MIB - 1] = 1;
  } else if (strcmp(what, "setrlimit") == 0) {
    install(how, (long[]){SYS_setrlimit, SYS_munmap, -1});
    const struct rlimit limit = {8 << 10, 8 << 10};
    NEED(syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit) == 0);
  } else if (strcmp(what, "exec") == 0) {
    install(how, (long[]){SYS_execve,
                          SYS_brk,
                          SYS_arch_prctl,
                          SYS_mmap,
                          SYS_munmap,
                          SYS_mprotect,
                          SYS_access,
                          SYS_openat,
                          SYS_newfstatat,
                          SYS_read,
                          SYS_pread64,
                          SYS_close,
                          SYS_set_tid_address,
                          SYS_set_robust_list,
                          SYS_rseq,
                          SYS_prlimit64,
                          SYS_getrandom,
                          SYS_futex,
                          SYS_exit,
                          -1});
    char* arguments[] = {argv[0], "filtered", NULL};
    execv("/proc/self/exe", arguments);
    return 3;
  }
  fact("survived");
  return 0;
}
