// From a decision to a place: opens the window when the first call deserves it, places, and makes
// the call again as the host made it if that fails.
#pragma once

#include "allocator.h"
#include "decide.h"

namespace jitcorral::steering {

// Places one mapping. The result is the kernel's, as the host would have got it.
KernelResult map(const MapCall& call, const Caller& caller, const void* site);

// Makes the call as the host made it. If the kernel refuses for want of address space, what the
// window holds goes first: the limit may have been set from outside.
KernelResult map_as_host(const MapCall& call);
// Whether what the window holds went because of this refusal: then it is worth asking again.
bool gave_way(KernelResult refused);
// A finite RLIMIT_AS counts the free pages of the window that are held.
bool is_address_space_limited();

// Places memory for an allocator call; false if the next allocator has to serve it, and then what
// is to be recorded of that.
bool allocate(Bytes size, Bytes alignment, const Caller& caller, const void* site, Address& out,
              allocator::Unserved& unserved);

}  // namespace jitcorral::steering
