// A host that does what its arguments say, one after the other, through the engine's library, and
// prints every call whose return it saw: "call PID TID NAME ADDRESS LENGTH [FROM|PROT]".
//
//   map N              maps N bytes; it becomes mapping number 0, 1, ...
//   protect I PROT     PROT: 0-7
//   unmap I | unmap-part I OFFSET N | remap I N | fixed I OFFSET N | unmap-badly | map-badly
//   jit N              map N bytes read and write, protect 5: what an engine does
//   threads T N        T threads: N times map, protect and unmap a page; nothing is printed
//   background-threads T  the same without end, while the rest goes on
//   on-usr1-map        SIGUSR1 maps a page
//   churn N            for ever (0) or N times: map, protect, announce, unmap, announce
//   fork ... end       a child does what stands between and ends; "fork" waits for it, "leave" not
//   vfork PROGRAM, spawn PROGRAM, exec PROGRAM [ARGUMENTS...]
//   daemon ... end     a double fork with a session of its own; the grandchild does it
//   say TEXT | read (one byte of standard input) | touch FILE | await FILE | pause | exit N | kill
//   N close-all | close-range | fill FILE (opens it 40 times, keeps them) | low-files FILE filter |
//   undump | uid N | clearenv | chroot DIR | inert-fork ... end (by a raw system call)
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void* engine_map(unsigned long length, int prot);
void* engine_map_fixed(void* at, unsigned long length);
int engine_protect(void* at, unsigned long length, int prot);
int engine_unmap(void* at, unsigned long length);
void* engine_remap(void* at, unsigned long length, unsigned long wanted);

extern char** environ;
static struct {
  char* at;
  unsigned long length;
} maps[4096];
static int used;
static int out = 1;

static void fail(const char* what) {
  dprintf(2, "host: %s: %s\n", what, strerror(errno));
  _exit(99);
}

__attribute__((format(printf, 1, 2))) static void fact(const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  line[n++] = '\n';
  if (write(out, line, (size_t)n) != n) _exit(98);
}
static void call(const char* name, const void* at, unsigned long length, unsigned long more) {
  fact("call %d %d %s %lu %lu %lu", getpid(), gettid(), name, (unsigned long)at, length, more);
}

static void* worker(void* count) {
  for (long i = (long)count; i > 0; --i) {
    char* p = engine_map(4096, 3);
    if (p == MAP_FAILED) fail("map");
    p[0] = 1;
    if (engine_protect(p, 4096, 5) != 0) fail("protect");
    if (engine_unmap(p, 4096) != 0) fail("unmap");
  }
  return 0;
}

static void* forever(void* nothing) {
  for (;;) worker((void*)1000);
  return nothing;
}
static void on_usr1(int number) {
  if (engine_map(4096, 3) == MAP_FAILED) _exit(94);
  (void)number;
}

static void await(const char* file) {
  for (int i = 0; access(file, F_OK) != 0; ++i) {
    if (i == 30000) fail(file);
    nanosleep(&(struct timespec){0, 1000000}, 0);
  }
}
static void touch(const char* file) {
  const int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
  if (fd < 0) fail(file);
  close(fd);
}

// A function of its own: the child shares the stack until it calls exec.
__attribute__((noinline)) static pid_t start_by_vfork(char* program) {
  char* arguments[] = {program, 0};
  const pid_t child = vfork();
  if (child == 0) {
    execv(program, arguments);
    _exit(127);
  }
  return child;
}

static void filter(void) {
  static struct sock_filter code[64];
  unsigned short n = 0;
  const long allowed[] = {SYS_write,  SYS_exit_group,   SYS_exit,   SYS_mmap,
                          SYS_munmap, SYS_mprotect,     SYS_mremap, SYS_madvise,
                          SYS_read,   SYS_rt_sigreturn, SYS_getpid, SYS_gettid};
  code[n++] =
      (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; ++i) {
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i], 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  struct sock_fprog program = {n, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) fail("seccomp");
}

static void go(char** a, char** end);
static char** matching_end(char** a, char** end) {
  int depth = 1;
  for (; a < end; ++a) {
    if (!strcmp(*a, "fork") || !strcmp(*a, "leave") || !strcmp(*a, "daemon") ||
        !strcmp(*a, "inert-fork"))
      ++depth;
    if (!strcmp(*a, "end") && --depth == 0) return a;
  }
  fail("no end");
  return 0;
}

static void go(char** a, char** end) {
  for (; a < end; ++a) {
    const char* what = *a;
    if (!strcmp(what, "map") || !strcmp(what, "jit")) {
      const unsigned long length = strtoul(*++a, 0, 0);
      char* p = engine_map(length, 3);
      if (p == MAP_FAILED) fail("map");
      maps[used].at = p;
      maps[used++].length = length;
      call("mmap", p, length, 3);
      if (!strcmp(what, "jit")) {
        p[0] = (char)0xc3;
        if (engine_protect(p, length, 5) != 0) fail("protect");
        call("protect", p, length, 5);
      }
    } else if (!strcmp(what, "protect")) {
      const int i = atoi(*++a), prot = atoi(*++a);
      if (engine_protect(maps[i].at, maps[i].length, prot) != 0) fail("protect");
      call("protect", maps[i].at, maps[i].length, (unsigned)prot);
    } else if (!strcmp(what, "unmap")) {
      const int i = atoi(*++a);
      if (engine_unmap(maps[i].at, maps[i].length) != 0) fail("unmap");
      call("munmap", maps[i].at, maps[i].length, 0);
    } else if (!strcmp(what, "unmap-part")) {
      const int i = atoi(*++a);
      const unsigned long offset = strtoul(*++a, 0, 0), length = strtoul(*++a, 0, 0);
      if (engine_unmap(maps[i].at + offset, length) != 0) fail("unmap-part");
      call("munmap", maps[i].at + offset, length, 0);
    } else if (!strcmp(what, "remap")) {
      const int i = atoi(*++a);
      const unsigned long wanted = strtoul(*++a, 0, 0);
      char* p = engine_remap(maps[i].at, maps[i].length, wanted);
      if (p == MAP_FAILED) fail("remap");
      call("mremap", p, wanted, (unsigned long)maps[i].at);
      maps[i].at = p;
      maps[i].length = wanted;
    } else if (!strcmp(what, "fixed")) {
      const int i = atoi(*++a);
      const unsigned long offset = strtoul(*++a, 0, 0), length = strtoul(*++a, 0, 0);
      if (engine_map_fixed(maps[i].at + offset, length) == MAP_FAILED) fail("fixed");
      call("fixed", maps[i].at + offset, length, 0);
    } else if (!strcmp(what, "unmap-badly")) {
      for (int i = 0; i < used; ++i)
        if (engine_unmap(maps[i].at + 1, maps[i].length) != -1 || errno != EINVAL) fail("badly");
    } else if (!strcmp(what, "map-badly")) {
      if (engine_map(0, 3) != MAP_FAILED || errno != EINVAL) fail("map-badly");
      if (engine_map(1UL << 50, 3) != MAP_FAILED || errno != ENOMEM) fail("map-badly");
    } else if (!strcmp(what, "threads")) {
      pthread_t all[64];
      const int threads = atoi(*++a);
      const long count = atol(*++a);
      for (int i = 0; i < threads; ++i)
        if (pthread_create(&all[i], 0, worker, (void*)count) != 0) fail("thread");
      for (int i = 0; i < threads; ++i) pthread_join(all[i], 0);
    } else if (!strcmp(what, "background-threads")) {
      for (int i = atoi(*++a); i > 0; --i) {
        pthread_t thread;
        if (pthread_create(&thread, 0, forever, 0) != 0) fail("thread");
      }
    } else if (!strcmp(what, "on-usr1-map")) {
      signal(SIGUSR1, on_usr1);
    } else if (!strcmp(what, "churn")) {
      const long count = atol(*++a);
      for (long i = 0; count == 0 || i < count; ++i) {
        char* p = engine_map(8192, 3);
        if (p == MAP_FAILED) fail("map");
        call("mmap", p, 8192, 3);
        if (engine_protect(p, 4096, 5) != 0) fail("protect");
        call("protect", p, 4096, 5);
        if (i % 16 == 15) continue;  // some stay
        if (engine_unmap(p, 8192) != 0) fail("unmap");
        call("munmap", p, 8192, 0);
      }
    } else if (!strcmp(what, "fork") || !strcmp(what, "leave") || !strcmp(what, "inert-fork")) {
      char** last = matching_end(a + 1, end);
      const pid_t parent = getpid();
      const pid_t child =
          !strcmp(what, "inert-fork") ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
      if (child < 0) fail("fork");
      if (child == 0) {
        fact("child %d of %d", getpid(), parent);
        go(a + 1, last);
        exit(0);
      }
      int status = 0;
      if (strcmp(what, "leave") != 0 && (waitpid(child, &status, 0) != child || status != 0)) {
        dprintf(2, "host: child status %d\n", status);
        _exit(97);
      }
      a = last;
    } else if (!strcmp(what, "daemon")) {
      char** last = matching_end(a + 1, end);
      const pid_t child = fork();
      if (child == 0) {
        setsid();
        if (fork() != 0) _exit(0);
        fact("child %d of %d", getpid(), 0);
        go(a + 1, last);
        exit(0);
      }
      waitpid(child, 0, 0);
      a = last;
    } else if (!strcmp(what, "vfork")) {
      const pid_t child = start_by_vfork(*++a);
      int status;
      waitpid(child, &status, 0);
      fact("child %d of %d", child, getpid());
    } else if (!strcmp(what, "spawn")) {
      char* arguments[] = {*++a, 0};
      pid_t child;
      if (posix_spawn(&child, arguments[0], 0, 0, arguments, environ) != 0) fail("spawn");
      int status;
      waitpid(child, &status, 0);
      fact("child %d of %d", child, getpid());
    } else if (!strcmp(what, "exec")) {
      *end = 0;
      execv(a[1], a + 1);
      fail("exec");
    } else if (!strcmp(what, "say")) {
      fact("%s", *++a);
    } else if (!strcmp(what, "read")) {
      char c;
      if (read(0, &c, 1) < 0) fail("read");
    } else if (!strcmp(what, "touch")) {
      touch(*++a);
    } else if (!strcmp(what, "await")) {
      await(*++a);
    } else if (!strcmp(what, "pause")) {
      for (;;) pause();
    } else if (!strcmp(what, "exit")) {
      exit(atoi(*++a));
    } else if (!strcmp(what, "kill")) {
      kill(getpid(), atoi(*++a));
    } else if (!strcmp(what, "stop")) {
      raise(SIGTSTP);
    } else if (!strcmp(what, "close-all") || !strcmp(what, "close-range")) {
      if (*what && !strcmp(what, "close-range")) {
        close_range(3, ~0U, 0);
      } else {
        closefrom(3);
      }
    } else if (!strcmp(what, "fill")) {
      const char* file = *++a;
      for (int i = 0; i < 40; ++i) {
        const int fd = open(file, O_RDWR | O_CREAT | O_APPEND, 0600);
        if (fd < 0 || write(fd, "mine\n", 5) != 5) fail(file);
      }
    } else if (!strcmp(what, "low-files")) {
      // The host's own files have the numbers of the standard streams; facts go elsewhere.
      out = fcntl(1, F_DUPFD_CLOEXEC, 100);
      const char* file = *++a;
      for (int i = 0; i < 3; ++i) close(i);
      for (int i = 0; i < 3; ++i)
        if (open(file, O_RDWR | O_CREAT | O_APPEND, 0600) != i) _exit(96);
      if (write(2, "mine\n", 5) != 5) _exit(95);
    } else if (!strcmp(what, "filter")) {
      filter();
    } else if (!strcmp(what, "undump")) {
      if (prctl(PR_SET_DUMPABLE, 0) != 0) fail("undump");
    } else if (!strcmp(what, "uid")) {
      const uid_t uid = (uid_t)atoi(*++a);
      if (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) fail("uid");
    } else if (!strcmp(what, "clearenv")) {
      environ = (char*[]){0};
    } else if (!strcmp(what, "chroot")) {
      if (chroot(*++a) != 0 || chdir("/") != 0) fail("chroot");
    } else {
      errno = EINVAL;
      fail(what);
    }
  }
}

int main(int argc, char** argv) {
  go(argv + 1, argv + argc);
  return 0;
}
