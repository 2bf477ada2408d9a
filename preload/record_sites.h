// Call sites in the ring's texts: each travels once a ring.
#pragma once

#include <cstdint>
#include <string_view>

#include "jitcorral/vocabulary.h"
#include "ring_writer.h"

namespace jitcorral::sites {

// A new ring; from the thread that makes it, before others see it. `generation` tells it from those
// before it.
void begin(RingWriter writer, std::uint32_t generation, std::string_view executable);

// The site's offset in the texts; 0 if it did not fit.
std::uint32_t id_of(RingWriter writer, const void* site, Role role);

}  // namespace jitcorral::sites
