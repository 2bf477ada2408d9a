// What every scenario needs: facts that do not depend on where anything lies, printed to stdout.
// The runner compares them between a bare run and a run under the shim.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jitcorral/jitcorral.h"

enum { kSkip = 77 };
#define PAGE ((size_t)4096)
#define MIB ((size_t)1 << 20)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

// One line of fact; by one write, so that children and handlers may use it too.
__attribute__((format(printf, 1, 2), unused)) static void fact(const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (n < 0) abort();
  line[n++] = '\n';
  if (write(1, line, (size_t)n) != n) _exit(120);
}

// A line that only the shim's run has; the runner strips it before comparing.
__attribute__((format(printf, 1, 2), unused)) static void aside(const char* format, ...) {
  char line[512] = "[jitcorral:test] ";
  const size_t begin = strlen(line);
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(line + begin, sizeof line - begin - 1, format, arguments);
  va_end(arguments);
  if (n < 0) abort();
  line[begin + (size_t)n] = '\n';
  if (write(2, line, begin + (size_t)n + 1) < 0) return;
}

__attribute__((unused)) static const char* name_of_error(int error) {
  const char* name = error == 0 ? "0" : strerrorname_np(error);
  return name == NULL ? "?" : name;
}

// Result and errno of a call that returns 0 or -1.
#define FACT(call)                         \
  do {                                     \
    errno = 0;                             \
    const long fact_result = (long)(call); \
    const int fact_error = errno;          \
    fact("%s -> %s %s", #call,             \
         fact_result == -1  ? "fails"      \
         : fact_result == 0 ? "0"          \
                            : "value",     \
         name_of_error(fact_error));       \
  } while (0)

// Ends the program by name if something that has nothing to do with the shim is missing.
__attribute__((format(printf, 1, 2), noreturn, unused)) static void skip(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(kSkip);
}

__attribute__((unused)) static void need(int condition, const char* what) {
  if (condition) return;
  fact("FAILED: %s (%s)", what, name_of_error(errno));
  exit(1);
}
#define NEED(condition) need((condition) != 0, #condition)

__attribute__((unused)) static void* map(size_t length) {
  void* p = mmap(NULL, length, RW, PRIVATE, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

// Every page of the range says `seed` and its number.
__attribute__((unused)) static void fill(void* begin, size_t length, unsigned seed) {
  for (size_t i = 0; i < length / PAGE; ++i) {
    unsigned* p = (unsigned*)((char*)begin + i * PAGE);
    p[0] = seed;
    p[1] = (unsigned)i;
    p[PAGE / sizeof *p - 1] = ~seed;
  }
}
__attribute__((unused)) static int holds(const void* begin, size_t length, unsigned seed,
                                         size_t first) {
  for (size_t i = 0; i < length / PAGE; ++i) {
    const unsigned* p = (const unsigned*)((const char*)begin + i * PAGE);
    if (p[0] != seed || p[1] != (unsigned)(i + first) || p[PAGE / sizeof *p - 1] != ~seed) return 0;
  }
  return 1;
}
__attribute__((unused)) static int is_zero(const void* begin, size_t length) {
  const unsigned long* p = (const unsigned long*)begin;
  for (size_t i = 0; i < length / sizeof *p; ++i)
    if (p[i] != 0) return 0;
  return 1;
}

// Whether the kernel can read the byte, asked by a call that the shim has no door for.
__attribute__((unused)) static int readable(const void* p) {
  static int ends[2] = {-1, -1};
  if (ends[0] < 0 && pipe(ends) != 0) abort();
  char c;
  if (write(ends[1], p, 1) != 1) return 0;
  return read(ends[0], &c, 1) == 1;
}

// Each page: 'r' mapped and readable, 'n' mapped but not readable, '-' not mapped, '!' when the two
// ways of asking contradict each other.
__attribute__((unused)) static const char* pages(const void* begin, size_t count) {
  static char text[4][300];
  static unsigned turn;
  char* out = text[turn++ % 4];
  if (count > 298) count = 298;
  for (size_t i = 0; i < count; ++i) {
    const char* p = (const char*)begin + i * PAGE;
    unsigned char resident;
    const int mapped = mincore((void*)(uintptr_t)p, PAGE, &resident) == 0;
    const int can_read = readable(p);
    out[i] = mapped ? (can_read ? 'r' : 'n') : (can_read ? '!' : '-');
  }
  out[count] = '\0';
  return out;
}

__attribute__((unused)) static int inside(const void* p) {
  return jitcorral_inside ? jitcorral_inside(p) : 0;
}

// A kB figure of /proc/self/status.
__attribute__((unused)) static long status_of(const char* name) {
  char text[8192];
  const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return -1;
  text[n] = '\0';
  const char* at = strstr(text, name);
  return at == NULL ? -1 : atol(at + strlen(name) + 1);
}
