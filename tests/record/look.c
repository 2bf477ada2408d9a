// Prints what a process inherits, so that two of them can be compared; descriptors by number,
// flags and target.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char** environ;

int main(int argc, char** argv) {
  // Standard output may be what is looked at: what is said goes into the file of the first
  // argument.
  if (argc < 2) return 2;
  char line[4096];
  static char text[4 << 20];
  size_t n = 0;
#define SAY(...) n += (size_t)snprintf(text + n, sizeof text - n, __VA_ARGS__)
  for (int i = 2; i < argc; ++i) {
    SAY("argv%d", i);
    for (const char* c = argv[i]; *c; ++c) SAY(" %02x", (unsigned char)*c);
    SAY("\n");
  }
  for (int fd = 0; fd < 200; ++fd) {
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(name, line, sizeof line - 1);
    if (length < 0) continue;
    line[length] = 0;
    SAY("fd %d %s cloexec=%d mode=%x\n", fd, line, fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
  }
  FILE* status = fopen("/proc/self/status", "re");
  while (status && fgets(line, sizeof line, status))
    if ((!strncmp(line, "Sig", 3) && strncmp(line, "SigQ", 4)) || !strncmp(line, "Shd", 3) ||
        !strncmp(line, "Umask", 5) || !strncmp(line, "Cap", 3) || !strncmp(line, "NoNew", 5) ||
        !strncmp(line, "Seccomp", 7) || !strncmp(line, "Uid", 3) || !strncmp(line, "Groups", 6))
      SAY("%s", line);
  if (getcwd(line, sizeof line)) SAY("cwd %s\n", line);
  for (int i = 0; i < 16; ++i) {
    struct rlimit limit;
    getrlimit(i, &limit);
    SAY("limit %d %lu %lu\n", i, (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
  }
  SAY("nice %d group %s session %d\n", getpriority(PRIO_PROCESS, 0),
      getpgrp() == getpid() ? "own" : "inherited", getsid(0));
  SAY("pgrp %d scheduler %d\n", getpgrp(), sched_getscheduler(0));
  for (int i = 0; environ[i]; ++i) SAY("env %s\n", environ[i]);
  FILE* to = fopen(argv[1], "we");
  if (!to) return 3;
  fwrite(text, 1, n, to);
  return fclose(to) != 0;
}
