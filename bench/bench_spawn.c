/* Starts a program bare and under the shim by turns, and prints how long each run took from spawn
 * to exit, as JSON. In C, since python's own cost of a spawn is ten times what is measured.
 *
 *   bench_spawn RUNS SHIM PROGRAM [ARGUMENT...] */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char** environ;

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* The environment without any LD_PRELOAD, or with ours alone. */
static char** environment(char* preload) {
  size_t n = 0;
  while (environ[n] != NULL) ++n;
  char** copy = calloc(n + 2, sizeof *copy);
  if (copy == NULL) exit(2);
  size_t used = 0;
  for (size_t i = 0; i < n; ++i)
    if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0) copy[used++] = environ[i];
  if (preload != NULL) copy[used++] = preload;
  return copy;
}

static double run_us(char** argv, char** env) {
  pid_t pid;
  int status = 0;
  const double begin = now_us();
  if (posix_spawn(&pid, argv[0], NULL, NULL, argv, env) != 0 || waitpid(pid, &status, 0) != pid) {
    perror(argv[0]);
    exit(2);
  }
  const double end = now_us();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "%s: status %d\n", argv[0], status);
    exit(2);
  }
  return end - begin;
}

static void print(const char* name, const double* us, long n) {
  printf("\"%s\": [", name);
  for (long i = 0; i < n; ++i) printf("%s%.1f", i == 0 ? "" : ", ", us[i]);
  printf("]");
}

int main(int argc, char** argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: bench_spawn RUNS SHIM PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  const long runs = atol(argv[1]);
  char preload[4096];
  snprintf(preload, sizeof preload, "LD_PRELOAD=%s", argv[2]);
  char** env[2] = {environment(NULL), environment(preload)};
  double* us[2];
  if (runs <= 0) return 2;
  for (int k = 0; k < 2; ++k) {
    us[k] = calloc((size_t)runs, sizeof(double));
    if (us[k] == NULL) return 2;
    for (int warm = 0; warm < 3; ++warm) run_us(argv + 3, env[k]);
  }
  for (long i = 0; i < runs; ++i) {
    /* AB, BA, AB, ...: what drifts hits both alike. */
    for (int k = 0; k < 2; ++k) {
      const int which = (int)((i + k) % 2);
      us[which][i] = run_us(argv + 3, env[which]);
    }
  }
  printf("{");
  print("bare_us", us[0], runs);
  printf(", ");
  print("shim_us", us[1], runs);
  printf("}\n");
  return 0;
}
