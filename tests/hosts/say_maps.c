/* Preloaded into a host: at its end says where its files lie, as [maps] lines of /proc/self/maps on
   standard error, and the brk heap with them. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

__attribute__((destructor)) static void say(void) {
  static char text[1 << 20];
  const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  size_t size = 0;
  for (ssize_t n; fd >= 0 && (n = read(fd, text + size, sizeof text - 1 - size)) > 0;)
    size += (size_t)n;
  close(fd);
  for (char* line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    if (strchr(line, '/') == NULL && strstr(line, "[heap]") == NULL) continue;
    char out[4200] = "[maps] ";
    const size_t n = strlen(line) < 4096 ? strlen(line) : 4096;
    memcpy(out + 7, line, n);
    out[7 + n] = '\n';
    if (write(2, out, n + 8) < 0) return;
  }
}
