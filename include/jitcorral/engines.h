// The JIT engines that are recognised by themselves, and what their mapping calls look like.
// Facts and sources: shared/design/jit-hosts.md, corrected in ARCHITECTURE.md where tracing showed
// otherwise.
#pragma once

#include <string_view>

#include "jitcorral/vocabulary.h"

namespace jitcorral {

struct Engine {
  Role role;
  std::string_view symbol;   // glob on the calling function's dynamic symbol; "" if hidden ones do
  std::string_view library;  // glob on the basename of the caller's library; "" for any
  unsigned frames;           // return addresses that tell its kinds of sections apart
};

// The first row that matches names the role. A row with a library but no symbol is for libraries
// that hide LLVM's symbols: there the exact signature of the call has to do.
inline constexpr Engine kEngines[] = {
    {Role::kLlvm, "_ZN4llvm3sys6Memory20allocateMappedMemory*", "", 4},
    {Role::kLlvm, "", "libllvmlite*.so*", 4},
    {Role::kLlvm, "", "llvmjit*.so", 4},
    {Role::kLlvm, "", "libMLIR*.so*", 4},
    {Role::kLlvm, "", "libmlir*.so*", 4},
    {Role::kLlvm, "", "libCling*.so*", 4},
    {Role::kLlvm, "", "*_mlir*.so*", 4},
    {Role::kArena, "", "libtvm_ffi*.so*", 4},
    {Role::kLlvm, "", "libtvm*.so*", 4},
    {Role::kLlvm, "", "xla_extension*.so*", 4},
    {Role::kJulia, "", "libjulia-codegen*.so*", 5},
    // Up to 1.5 and in 1.6 and 1.7 the code generator shares a library with the heap; engine_path.h
    // tells whose a call is. It has had its own since 1.8 (JuliaLang/julia#41936).
    {Role::kJulia, "", "libjulia.so*", 5},
    {Role::kJulia, "", "libjulia-internal*.so*", 5},
};

// Texts in the read-only data of a module that holds an engine without saying so in its name.
struct Marker {
  Role role;
  std::string_view text;
  unsigned frames;
};
inline constexpr Marker kMarkers[] = {
    {Role::kCranelift, "cranelift-jit-", 6},  // panic locations: .../cranelift-jit-0.116.1/src/...
    {Role::kCranelift, "cranelift/jit/src", 6},              // the same from a git checkout
    {Role::kLlvm, "Unable to allocate section memory!", 4},  // RuntimeDyld.cpp, static LLVM
};

// Scanning megabytes of text costs page faults, so a module is only looked through if it brings its
// own unwinding personality (every Rust program, and C++ linked statically): CPython, Perl and
// plain C programs import nothing of the kind.
inline constexpr std::string_view kScanHint = "_Unwind_GetRegionStart";

// Functions that stand in for libc's and call the next definition: those of sanitizer runtimes
// (compiler-rt's interception.h names them so) and of other preloaded libraries.
constexpr bool is_interceptor(std::string_view function) {
  while (!function.empty() && function[0] == '_') function.remove_prefix(1);
  for (const std::string_view prefix : {"interceptor_trampoline_", "interceptor_"})
    if (function.substr(0, prefix.size()) == prefix) {
      function.remove_prefix(prefix.size());
      break;
    }
  return function == "mmap" || function == "mmap64" || function == "posix_memalign" ||
         function == "aligned_alloc" || function == "memalign";
}

// What a module defines that holds a sanitizer's interceptors of mmap (compiler-rt before and since
// LLVM 17; gcc's libsanitizer follows).
inline constexpr std::string_view kInterceptorMarks[] = {"__interceptor_mmap",
                                                         "___interceptor_mmap"};

// Return addresses that make a fingerprint for this role.
constexpr unsigned frames_for(Role role) {
  for (const Engine& e : kEngines)
    if (e.role == role) return e.frames;
  for (const Marker& m : kMarkers)
    if (m.role == role) return m.frames;
  return 0;
}

}  // namespace jitcorral
