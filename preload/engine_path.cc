#include "engine_path.h"

#include "backtrace.h"
#include "jitcorral/glob.h"
#include "modules.h"

namespace jitcorral::engine_path {
namespace {

// Julia's task stacks (4 MiB), signal stacks (8 MiB and a guard page, one a thread) and its pool of
// permanent objects (2 MiB) come by the same call as blocks for code (traced on 1.5.3): until the
// code generator got a library of its own, only the path tells them apart. RuntimeDyld asks
// for sections, two frames above the call, and lies in LLVM's library.
constexpr std::string_view kGenerator = "libjulia-codegen*";
constexpr std::string_view kLlvm = "libLLVM*";
// What a libjulia that is linked to LLVM's library imports from there (LLVM 3 to 22).
constexpr std::string_view kFromLlvm = "_ZN4llvm19RTDyldMemoryManager18deregisterEHFramesEv";
constexpr std::size_t kFrames = 6;

bool is_julias_generator(const void* return_address) {
  const Module own = modules::containing(return_address);
  if (glob_match(kGenerator, basename_of(own.path))) return true;
  const void* frames[kFrames];
  const std::size_t count = unwind_from(return_address, frames, kFrames);
  for (std::size_t i = 1; i < count; ++i) {
    if (own.mapped.contains(Address{reinterpret_cast<std::uint64_t>(frames[i])})) continue;
    const Module module = modules::containing(frames[i]);
    return module.found() && glob_match(kLlvm, basename_of(module.path));
  }
  if (count < kFrames) return true;
  // A long way inside the library itself: the generator's only where LLVM is linked into it.
  return !modules::has_symbol(own, kFromLlvm, false);
}

}  // namespace

bool is_generators(const void* return_address, Role role) {
  return role != Role::kJulia || is_julias_generator(return_address);
}

}  // namespace jitcorral::engine_path
