// What descriptor 2 may have become when the shim has something to say. The runner sets a window
// of 1 MiB, statistics and a misspelt variable, so that there is much to say. Argument: what it is.
#include <poll.h>
#include <sys/stat.h>
#include "scenario.h"

static void much_to_say(void) {
  for (int i = 0; i < 64; ++i) NEED(map(32 * PAGE));
}

static long size_of(const char* path) {
  struct stat s;
  return stat(path, &s) == 0 ? (long)s.st_size : -1;
}

// Runs the scenario again with descriptor 2 as it is now; the shim sees it from the start.
static void again(char** argv) {
  const pid_t child = fork();
  NEED(child >= 0);
  if (child == 0) {
    char* arguments[] = {argv[0], "say", NULL};
    execv("/proc/self/exe", arguments);
    _exit(99);
  }
  int status = 0;
  NEED(waitpid(child, &status, 0) == child);
  fact("status %x", (unsigned)status);
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "say";
  char path[] = "stderr_scenario.XXXXXX";
  if (strcmp(what, "say") == 0) {
    much_to_say();
    return 0;
  }
  if (strcmp(what, "closed-at-start") == 0) {
    // The data file that is opened first becomes descriptor 2.
    close(2);
    char* arguments[] = {argv[0], "closed-inner", NULL};
    execv("/proc/self/exe", arguments);
    return 9;
  }
  if (strcmp(what, "closed-inner") == 0 || strcmp(what, "replaced") == 0) {
    close(2);
    const int fd = mkstemp(path);
    NEED(fd == 2);
    much_to_say();
    // At exit there is one more thing to say.
    const pid_t child = fork();
    if (child == 0) {
      much_to_say();
      exit(0);
    }
    NEED(waitpid(child, NULL, 0) == child);
    fact("bytes in the data file %ld", size_of(path));
    unlink(path);
    return 0;
  }
  if (strcmp(what, "inode-reused") == 0) {
    // Standard error is a file without a name; it is closed, and its inode number may be the next
    // new file's.
    const int fd = mkstemp(path);
    NEED(fd >= 0 && dup2(fd, 2) == 2);
    close(fd);
    unlink(path);
    char* arguments[] = {argv[0], "inode-inner", NULL};
    execv("/proc/self/exe", arguments);
    return 9;
  }
  if (strcmp(what, "inode-inner") == 0) {
    struct stat before, after;
    NEED(fstat(2, &before) == 0);
    close(2);
    int fd = -1;
    char name[32];
    for (int i = 0; i < 50; ++i) {
      snprintf(name, sizeof name, "stderr_data.%d.%d", getpid(), i);
      fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
      NEED(fd == 2 && fstat(fd, &after) == 0);
      if (after.st_ino == before.st_ino) break;
      NEED(unlink(name) == 0);
      close(fd);
    }
    if (after.st_ino != before.st_ino) skip("the file system does not reuse inode numbers");
    much_to_say();
    fact("bytes in the data file %ld", size_of(name));
    unlink(name);
    close(2);
    return 0;
  }
  if (strcmp(what, "broken-pipe") == 0) {
    int ends[2];
    NEED(pipe(ends) == 0 && dup2(ends[1], 2) == 2);
    close(ends[0]);
    close(ends[1]);
    again(argv);
    return 0;
  }
  if (strcmp(what, "full-pipe") == 0) {
    int ends[2];
    NEED(pipe(ends) == 0 && dup2(ends[1], 2) == 2);
    NEED(fcntl(2, F_SETFL, O_NONBLOCK) == 0);
    static char junk[4096];
    while (write(2, junk, sizeof junk) > 0) {
    }
    NEED(fcntl(2, F_SETFL, 0) == 0);
    again(argv);
    return 0;
  }
  if (strcmp(what, "nearly-full-pipe") == 0) {
    // 100 bytes short of a full pipe.
    int ends[2];
    NEED(pipe(ends) == 0 && dup2(ends[1], 2) == 2);
    static char junk[65536];
    NEED(write(2, junk, 65536 - 100) == 65536 - 100);
    again(argv);
    return 0;
  }
  if (strcmp(what, "file-size-limit") == 0) {
    const int fd = mkstemp(path);
    NEED(fd >= 0 && dup2(fd, 2) == 2);
    const struct rlimit limit = {16, 16};
    NEED(write(2, "0123456789abcde", 15) == 15);
    NEED(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    again(argv);
    unlink(path);
    return 0;
  }
  return 2;
}
