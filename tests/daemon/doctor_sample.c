// Programs for tests of `jitcorral doctor`: what each holds is chosen by macros; none is ever run.
#include <stddef.h>

#ifdef HAS_CRANELIFT
// What rustc leaves in every host: panic locations, and a personality of its own.
const char* const panic_location = "/root/.cargo/registry/src/cranelift-jit-0.116.1/src/backend.rs";
extern size_t _Unwind_GetRegionStart(void*);
size_t personality(void* context) {
  return _Unwind_GetRegionStart(context) + (size_t)panic_location[0];
}
#endif

#ifdef IS_LLVM
void _ZN4llvm3sys6Memory20allocateMappedMemoryEmPKNS0_11MemoryBlockEjRSt10error_code(void) {}
void LLVMCreateMCJITCompilerForModule(void) {}
#else
#ifdef CALLS_LLVM
void LLVMCreateMCJITCompilerForModule(void);
#endif

#ifdef MAPS_INLINE
static long map_inline(void) {
#if defined(__x86_64__)
  long result;
  __asm__ volatile("mov $9, %%eax\n\tsyscall" : "=a"(result) : : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long result __asm__("x0") = 0;
  __asm__ volatile("mov x8, #222\n\tsvc #0" : "+r"(result) : : "x8", "memory");
  return result;
#endif
}
#endif

int main(void) {
#ifdef CALLS_LLVM
  LLVMCreateMCJITCompilerForModule();
#endif
#ifdef MAPS_INLINE
  return (int)map_inline();
#endif
  return 0;
}
#endif
