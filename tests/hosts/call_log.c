/* Preloaded before jitcorral: says of each mmap whose stack holds what, then jumps on with the
   host's own return address, so that jitcorral sees the caller that it would see without. The truth
   against which steering is measured:

     [truth] PID TID LENGTH PROT WORD [FILE+0xADDRESS...]

   WORD is the first of CALL_LOG_MARKS (words, comma-separated) that occurs in a symbol of the
   stack, or - if none does. Then follow those of the nearest frames that lie in libraries whose
   name contains CALL_LOG_HIDDEN: libraries that export no symbols.

   CALL_LOG_HOSTILE=N: says nothing, but calls hostile_layout() before the Nth call that a mark is
   found for, as another thread may map much at any time. */
#include <dlfcn.h>
#include <execinfo.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HIDDEN __attribute__((visibility("hidden")))

static const char* marks;
static const char* hidden;
static void (*make_hostile)(void);
static long calls_to_hostile;
static __thread int busy __attribute__((tls_model("initial-exec")));

static void* raw(void* a, size_t n, int p, int f, int fd, off_t o) {
  return (void*)syscall(SYS_mmap, a, n, p, f, fd, o);
}
typedef void* Map(void*, size_t, int, int, int, off_t);
HIDDEN Map* next_mmap = raw;
HIDDEN Map* next_mmap64 = raw;

static const char* mark_in(const char* symbol) {
  static __thread char word[128];
  for (const char* at = marks; at != NULL && *at != '\0';) {
    const size_t n = strcspn(at, ",");
    if (n > 0 && n < sizeof word) {
      memcpy(word, at, n);
      word[n] = '\0';
      if (strstr(symbol, word) != NULL) return word;
    }
    at += n + (at[n] == ',');
  }
  return NULL;
}

HIDDEN void log_call(void* hint, size_t length, int prot, int flags) {
  (void)hint;
  if (marks == NULL || busy || (flags & MAP_FIXED) != 0) return;
  busy = 1;
  void* frames[24];
  const int count = backtrace(frames, 24);
  const char* found = "-";
  for (int i = 2; i < count; ++i) {
    Dl_info info;
    if (!dladdr(frames[i], &info)) continue;
    const char* here = info.dli_sname != NULL ? mark_in(info.dli_sname) : NULL;
    if (here == NULL && info.dli_fname != NULL) here = mark_in(info.dli_fname);
    if (here == NULL) continue;
    found = here;
    break;
  }
  if (make_hostile != NULL) {
    if (strcmp(found, "-") != 0 && --calls_to_hostile == 0) make_hostile();
    busy = 0;
    return;
  }
  char line[4096];
  size_t n = (size_t)snprintf(line, sizeof line, "[truth] %d %ld %zu %d %s", getpid(),
                              syscall(SYS_gettid), length, prot, found);
  for (int i = 2; hidden != NULL && i < count && i < 6; ++i) {
    Dl_info info;
    if (!dladdr(frames[i], &info) || info.dli_fname == NULL ||
        strstr(info.dli_fname, hidden) == NULL)
      continue;
    if (n + strlen(info.dli_fname) + 24 > sizeof line) break;
    n += (size_t)sprintf(line + n, " %s+%p", info.dli_fname,
                         (void*)((char*)frames[i] - (char*)info.dli_fbase));
  }
  line[n++] = '\n';
  if (write(2, line, n) != (ssize_t)n) abort();
  busy = 0;
}

#if defined(__x86_64__)
#define DOOR(name)                                                                         \
  __asm__(".globl " #name "\n.type " #name ", @function\n" #name                           \
          ":\n.cfi_startproc\n"                                                            \
          "push %rdi\npush %rsi\npush %rdx\npush %rcx\npush %r8\npush %r9\nsub $8, %rsp\n" \
          ".cfi_adjust_cfa_offset 56\n"                                                    \
          "call log_call\n"                                                                \
          "add $8, %rsp\npop %r9\npop %r8\npop %rcx\npop %rdx\npop %rsi\npop %rdi\n"       \
          ".cfi_adjust_cfa_offset -56\n"                                                   \
          "jmp *next_" #name "(%rip)\n.cfi_endproc\n.size " #name ", .-" #name "\n")
#else
#define DOOR(name)                                                                             \
  __asm__(".globl " #name "\n.type " #name ", %function\n" #name                               \
          ":\n.cfi_startproc\n"                                                                \
          "stp x29, x30, [sp, #-80]!\n.cfi_def_cfa_offset 80\n.cfi_offset 29, -80\n"           \
          ".cfi_offset 30, -72\nmov x29, sp\n"                                                 \
          "stp x0, x1, [sp, #16]\nstp x2, x3, [sp, #32]\nstp x4, x5, [sp, #48]\n"              \
          "bl log_call\n"                                                                      \
          "ldp x0, x1, [sp, #16]\nldp x2, x3, [sp, #32]\nldp x4, x5, [sp, #48]\n"              \
          "ldp x29, x30, [sp], #80\n.cfi_restore 29\n.cfi_restore 30\n.cfi_def_cfa_offset 0\n" \
          "adrp x16, next_" #name "\nldr x16, [x16, :lo12:next_" #name                         \
          "]\nbr x16\n"                                                                        \
          ".cfi_endproc\n.size " #name ", .-" #name "\n")
#endif
DOOR(mmap);
DOOR(mmap64);

__attribute__((constructor)) static void prepare(void) {
  Map* found = (Map*)(uintptr_t)dlsym(RTLD_NEXT, "mmap");
  if (found != NULL) next_mmap = found;
  found = (Map*)(uintptr_t)dlsym(RTLD_NEXT, "mmap64");
  if (found != NULL) next_mmap64 = found;
  void* frames[4];
  busy = 1;
  backtrace(frames, 4); /* loads the unwinder, which maps */
  busy = 0;
  marks = getenv("CALL_LOG_MARKS");
  hidden = getenv("CALL_LOG_HIDDEN");
  const char* before = getenv("CALL_LOG_HOSTILE");
  if (before == NULL) return;
  calls_to_hostile = atol(before);
  *(void**)&make_hostile = dlsym(RTLD_DEFAULT, "hostile_layout");
  if (make_hostile == NULL) abort();
}
