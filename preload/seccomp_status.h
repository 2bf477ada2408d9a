// Whether what we would ask of the kernel may be forbidden.
#pragma once

namespace jitcorral::seccomp {

// How many seccomp filters are in force for the calling thread: asked of the file that says so,
// since prctl may be what a filter kills for. Opens it, reads, closes.
unsigned filters_in_force();

}  // namespace jitcorral::seccomp
