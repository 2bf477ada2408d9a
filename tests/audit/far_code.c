// A JIT of one function that loads from its data by a displacement, as a linker without checks
// writes it: cut off to the field. What is printed and waited for lets a test look before anything
// is called.
//
//   far_code near     the data lies within reach
//   far_code far      it does not, and where the cut-off reference points nothing is mapped
//   far_code luck     the same, but memory of somebody else lies there
//   far_code gone     the data was unmapped again
//
// Prints `ready FROM TO MEANT`, waits for a line, calls the function, prints what it returned.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { kPage = 65536 };  // of any machine

static char* map_at(uintptr_t at) {
  char* got = mmap((void*)at, kPage, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (got != (char*)at) {
    perror("far_code: mmap");
    exit(1);
  }
  return got;
}

#if defined(__x86_64__)
static const uintptr_t kSpan = (uintptr_t)1 << 32;
// mov rax, [rip + displacement]; ret
static uintptr_t write_code(char* code, uintptr_t data) {
  const int32_t displacement = (int32_t)(uint32_t)(data - (uintptr_t)code - 7);
  memcpy(code, "\x48\x8b\x05", 3);
  memcpy(code + 3, &displacement, 4);
  code[7] = '\xc3';
  return (uintptr_t)code + 7 + (uintptr_t)(intptr_t)displacement;
}
#elif defined(__aarch64__)
static const uintptr_t kSpan = (uintptr_t)1 << 33;
// adrp x0, page; ldr x0, [x0, #low]; ret
static uintptr_t write_code(char* code, uintptr_t data) {
  const uint64_t pages = (data >> 12) - ((uintptr_t)code >> 12);
  const uint32_t words[] = {
      (uint32_t)(0x90000000U | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5),
      (uint32_t)(0xF9400000U | (data & 0xFFF) >> 3 << 10), 0xD65F03C0U};
  memcpy(code, words, sizeof words);
  // Bits 20 to 0 of the pages, as a signed number.
  const int64_t held = (int64_t)(pages << 43) >> 43;
  return ((uintptr_t)code & ~(uintptr_t)0xFFF) + (uintptr_t)(held << 12) + (data & 0xFFF);
}
#endif

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "near";
  const int near = strcmp(how, "near") == 0 || strcmp(how, "gone") == 0;
  const uintptr_t base = (uintptr_t)0x1234 << 32;
  char* code = map_at(base);
  const uintptr_t data = base + ((uintptr_t)1 << 24) + (near ? 0 : 3 * kSpan) + 0x128;
  uint64_t* value = (uint64_t*)(map_at(data & ~(uintptr_t)(kPage - 1)) + 0x128);
  *value = 4711;
  mprotect((void*)(data & ~(uintptr_t)(kPage - 1)), kPage, PROT_READ);
  const uintptr_t to = write_code(code, data);
  if (strcmp(how, "luck") == 0) map_at(to & ~(uintptr_t)(kPage - 1));
  mprotect(code, kPage, PROT_READ | PROT_EXEC);
  __builtin___clear_cache(code, code + 16);
  if (strcmp(how, "gone") == 0) munmap((void*)(data & ~(uintptr_t)(kPage - 1)), kPage);
  printf("ready %#lx %#lx %#lx\n", (unsigned long)(uintptr_t)code, (unsigned long)to,
         (unsigned long)data);
  fflush(stdout);
  if (getchar() == EOF) return 0;
  uint64_t (*function)(void);
  memcpy(&function, &code, sizeof function);
  printf("%lu\n", (unsigned long)function());
  return 0;
}
