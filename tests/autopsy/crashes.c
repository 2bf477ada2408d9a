// A JIT of one function that crashes when it is called, in a way of its own each. What lies too far
// away is referred to as a linker without checks writes it: cut off to the field.
//
//   crashes load     loads from data that is out of reach
//   crashes pointer  makes the address of such data first, and loads by it behind other
//   instructions crashes call     calls code that is out of reach crashes tail     jumps there
//   crashes stub     calls a stub within reach that loads its target from a slot out of reach
//   crashes null     loads by a null pointer; all its references reach
//   crashes away     calls by a pointer to where nothing is; all its references reach
//   crashes abort    calls nothing: the program aborts itself
//   crashes none     the program itself loads by a null pointer, and there is no JIT
//
// Prints `FROM MEANT`: the reference that is cut off, if there is one.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { kPage = 65536 };  // of any machine
static const uintptr_t kCode = (uintptr_t)0x1234 << 32;

static char* map_at(uintptr_t at) {
  char* got = mmap((void*)at, kPage, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (got != (char*)at) {
    perror("crashes: mmap");
    exit(1);
  }
  return got;
}

static char* code;       // where the next instruction goes
static uintptr_t fault;  // the reference

#if defined(__x86_64__)
enum { kDataBits = 32, kCallBits = 32 };
static void put(const char* bytes, size_t size) {
  memcpy(code, bytes, size);
  code += size;
}
// `size` bytes of opcode, and the displacement to `to`.
static void refer(const char* opcode, size_t size, uintptr_t to) {
  fault = (uintptr_t)code;
  put(opcode, size);
  const uint32_t displacement = (uint32_t)(to - (uintptr_t)code - 4);
  put((const char*)&displacement, 4);
}
static void load(uintptr_t data) {
  refer("\x48\x8b\x05", 3, data);  // mov rax, [rip + data]
  put("\xc3", 1);
}
static void pointer(uintptr_t data) {
  refer("\x48\x8d\x15", 3, data);  // lea rdx, [rip + data]
  put("\x31\xc9", 2);              // xor ecx, ecx
  put("\x48\x89\xd6", 3);          // mov rsi, rdx
  put("\x48\x8b\x46\x08\xc3", 5);  // mov rax, [rsi + 8]; ret
}
static void call(uintptr_t to) {
  put("\x48\x83\xec\x08", 4);  // sub rsp, 8
  refer("\xe8", 1, to);
  put("\x48\x83\xc4\x08\xc3", 5);
}
static void tail(uintptr_t to) {
  refer("\xe9", 1, to);
}
static void stub(uintptr_t slot) {
  put("\x48\x83\xec\x08\xe8\x0b\x00\x00\x00\x48\x83\xc4\x08\xc3", 14);  // call 0x18
  put("\xcc\xcc\xcc\xcc\xcc\xcc", 6);
  refer("\xff\x25", 2, slot);  // jmp [rip + slot]
}
static void null(uintptr_t data) {
  refer("\x48\x8b\x05", 3, data);  // mov rax, [rip + data]: 0
  put("\x48\x8b\x00\xc3", 4);      // mov rax, [rax]; ret
}
static void away(uintptr_t data) {
  refer("\x48\x8b\x05", 3, data);                           // mov rax, [rip + data]
  put("\x48\x83\xec\x08\xff\xd0\x48\x83\xc4\x08\xc3", 11);  // call rax
}
static const char kReturn[] = "\xc3";
#elif defined(__aarch64__)
enum { kDataBits = 33, kCallBits = 28 };
static void put(uint32_t word) {
  memcpy(code, &word, 4);
  code += 4;
}
static void adrp(unsigned reg, uintptr_t to) {
  fault = (uintptr_t)code;
  const uint64_t pages = (to >> 12) - ((uintptr_t)code >> 12);
  put((uint32_t)(0x90000000U | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5 | reg));
}
static uint32_t low(uintptr_t to) {
  return (uint32_t)((to & 0xFFF) >> 3 << 10);
}
static void load(uintptr_t data) {
  adrp(0, data);
  put(0xF9400000U | low(data));  // ldr x0, [x0, #low]
  put(0xD65F03C0U);
}
static void pointer(uintptr_t data) {
  adrp(2, data);
  put(0x91000042U | (uint32_t)(data & 0xFFF) << 10);  // add x2, x2, #low
  put(0xD2800001U);                                   // mov x1, #0
  put(0xAA0203E3U);                                   // mov x3, x2
  put(0xF9400460U);                                   // ldr x0, [x3, #8]
  put(0xD65F03C0U);
}
static void branch(uint32_t opcode, uintptr_t to) {
  fault = (uintptr_t)code;
  put(opcode | (uint32_t)((to - (uintptr_t)code) >> 2 & 0x3FFFFFF));
}
static void call(uintptr_t to) {
  put(0xA9BF7BFDU);  // stp x29, x30, [sp, #-16]!
  branch(0x94000000U, to);
  put(0xA8C17BFDU);
  put(0xD65F03C0U);
}
static void tail(uintptr_t to) {
  branch(0x14000000U, to);
}
static void stub(uintptr_t slot) {
  put(0xA9BF7BFDU);
  put(0x94000003U);  // bl + 12
  put(0xA8C17BFDU);
  put(0xD65F03C0U);
  adrp(16, slot);
  put(0xF9400210U | low(slot));  // ldr x16, [x16, #low]
  put(0xD61F0200U);              // br x16
}
static void null(uintptr_t data) {
  adrp(0, data);
  put(0xF9400000U | low(data));
  put(0xF9400000U);  // ldr x0, [x0]
  put(0xD65F03C0U);
}
static void away(uintptr_t data) {
  put(0xA9BF7BFDU);
  adrp(0, data);
  put(0xF9400000U | low(data));
  put(0xD63F0000U);  // blr x0
  put(0xA8C17BFDU);
  put(0xD65F03C0U);
}
static const char kReturn[] = "\xc0\x03\x5f\xd6";
#endif

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "";
  if (strcmp(how, "none") == 0) return *(volatile int*)(uintptr_t)(argc - 2);
  const struct {
    const char* name;
    void (*write)(uintptr_t);
    int bits;  // of the field that it is cut off to; 0: it reaches
    int to_code;
  } kinds[] = {{"load", load, kDataBits, 0}, {"pointer", pointer, kDataBits, 0},
               {"call", call, kCallBits, 1}, {"tail", tail, kCallBits, 1},
               {"stub", stub, kDataBits, 0}, {"null", null, 0, 0},
               {"away", away, 0, 0},         {"abort", null, 0, 0}};
  for (size_t n = 0; n < sizeof kinds / sizeof *kinds; ++n) {
    if (strcmp(how, kinds[n].name) != 0) continue;
    char* const function = code = map_at(kCode);
    const uintptr_t far = kinds[n].bits == 0 ? 0 : (uintptr_t)3 << kinds[n].bits;
    const uintptr_t meant = kCode + ((uintptr_t)1 << 24) + far + 0x128;
    char* const there = map_at(meant & ~(uintptr_t)(kPage - 1));
    if (kinds[n].to_code) memcpy(there + 0x128, kReturn, sizeof kReturn - 1);
    if (strcmp(how, "away") == 0) memcpy(there + 0x128, "\0\0\0\x20\x11\x11", 6);
    mprotect(there, kPage, kinds[n].to_code ? PROT_READ | PROT_EXEC : PROT_READ);
    kinds[n].write(meant);
    mprotect(function, kPage, PROT_READ | PROT_EXEC);
    __builtin___clear_cache(function, code);
    printf("%#lx %#lx\n", (unsigned long)fault, (unsigned long)meant);
    fflush(stdout);
    if (strcmp(how, "abort") == 0) abort();
    uint64_t (*run)(void);
    memcpy(&run, &function, sizeof run);
    return (int)run();
  }
  fprintf(stderr, "crashes: no kind '%s'\n", how);
  return 2;
}
