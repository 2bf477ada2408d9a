// From what a process says of itself to the row of its run.
#pragma once

#include "collect/ring_reader.h"

namespace jitcorral::collect {

// Of a message: executable, policy, ISA, version, fork. Nothing in it is trusted to be 0-terminated
// or in range.
void fill_in(model::Run& run, const Hello& hello);
// Of a ring: counters, window, losses, as they are now.
void fill_in(model::Run& run, const RingReader& ring);

// CLOCK_REALTIME now; and at a moment of CLOCK_MONOTONIC, judged by how the two stand now.
model::WallTime wall_time_now();
model::WallTime wall_time_at(std::uint64_t monotonic);

}  // namespace jitcorral::collect
