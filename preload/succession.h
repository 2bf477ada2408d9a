// From one ring of a process to the next, while its writers are at work (jitcorral/ring.h). Over
// plain memory, as ring_writer.h.
#pragma once

#include <cstdint>

#include "ring_writer.h"

namespace jitcorral::succession {

// From now on nobody gets a ticket or room for a text in `ring`; the tickets that were given out.
std::uint64_t leave(RingWriter ring);
// From now on they do, from that ticket on: of a ring that was left, or is a copy.
void open(RingWriter ring, std::uint64_t taken);

// What is in `from`, which was left: `to` is formatted and empty, and nobody else knows it. Nobody
// gets a ticket there either before open(): it may come to lie where threads still look for an old
// ring.
void copy(RingWriter from, RingWriter to, std::uint64_t taken);
// What writers in `from` have finished since. False if one of them still is not done, or never will
// be. By one thread at a time.
bool copy_late(RingWriter from, RingWriter to);

// Nobody writes into a slot of `ring`, which was left, any more. False: somebody is still about to.
bool retire(RingWriter ring);

}  // namespace jitcorral::succession
