// A setuid program: inert. In a mount namespace of its own the shim comes by /etc/ld.so.preload,
// which such programs obey too. Argument: the shim's path, or "bare".
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "scenario.h"

static void copy(const char* from, const char* to, mode_t mode) {
  static char text[1 << 16];
  const int in = open(from, O_RDONLY | O_CLOEXEC);
  const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  NEED(in >= 0 && out >= 0);
  for (ssize_t n; (n = read(in, text, sizeof text)) > 0;) NEED(write(out, text, (size_t)n) == n);
  NEED(fchmod(out, mode) == 0);
  close(in);
  close(out);
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "inner") == 0) {
    fact("secure %d", getauxval(AT_SECURE) != 0);
    char* p = map(2 * MIB);
    NEED(p);
    aside("loaded %d inside %d", jitcorral_inside != NULL, inside(p));
    if (jitcorral_get_window) {
      jitcorral_window window;
      jitcorral_get_window(&window, sizeof window);
      fact("window %zu", window.size);
    } else {
      fact("window 0");
    }
    FACT(munmap(p, 2 * MIB));
    void* q = NULL;
    fact("%d", posix_memalign(&q, PAGE, 4 * PAGE));
    free(q);
    return 0;
  }
  if (argc != 2) return 2;
  if (geteuid() != 0) skip("needs root to make a setuid program");
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755") != 0)
    skip("cannot make a mount namespace");
  NEED(mkdir("/mnt/etc", 0755) == 0);
  copy("/proc/self/exe", "/mnt/inner", 04755);
  copy("/etc/ld.so.cache", "/mnt/etc/ld.so.cache", 0644);
  if (strcmp(argv[1], "bare") != 0) {
    copy(argv[1], "/mnt/shim.so", 04755);
    const int fd = open("/mnt/etc/ld.so.preload", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    NEED(fd >= 0 && write(fd, "/mnt/shim.so\n", 13) == 13);
    close(fd);
  }
  if (mount("/mnt/etc", "/etc", NULL, MS_BIND, NULL) != 0) skip("cannot mount over /etc");
  const pid_t child = fork();
  if (child == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(5);
    char* arguments[] = {"inner", "inner", NULL};
    execv("/mnt/inner", arguments);
    _exit(6);
  }
  int status = 0;
  NEED(waitpid(child, &status, 0) == child);
  fact("status %x", (unsigned)status);
  return 0;
}
