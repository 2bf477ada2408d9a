// Return addresses of the calling thread, by libgcc's unwinder linked into the shim: no descriptor,
// no lock on glibc >= 2.35, no allocation. Only backtrace.cc knows the unwinder.
#pragma once

#include <cstddef>

namespace jitcorral {

// Fills `out` with `from` (the return address of the interposed call) and the return addresses of
// the frames above it; returns how many, 0 if the stack could not be walked as far as `from`.
std::size_t unwind_from(const void* from, const void** out, std::size_t capacity);

}  // namespace jitcorral
