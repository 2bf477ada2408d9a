// Where the ring's memory comes from: a sealed memfd, or a file that is kept.
#pragma once

#include <cstdint>
#include <string_view>

#include "jitcorral/hello.h"
#include "kernel.h"

namespace jitcorral {

// A mapped ring, empty, and its descriptor; or why there is none.
struct RingMemory {
  void* memory = nullptr;
  int fd = -1;  // to be closed by who asked
  Hello::Cannot reason = Hello::Cannot::kNone;
  int error = 0;
};

// Zeroed, allocated, and sealed against being shrunk.
RingMemory make_memory_ring();
// A new file, 0600. `pattern`: with %p, %h, %e.
RingMemory make_file_ring(const char* pattern, std::string_view executable);

// `pattern` with %p (pid), %h (host name), %e (executable's name) and %% filled in. False if it
// does not fit, or holds another %.
bool expand_pattern(std::string_view pattern, std::uint64_t pid, std::string_view host,
                    std::string_view executable, char* out, std::size_t size);

}  // namespace jitcorral
