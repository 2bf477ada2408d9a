// The path above a call: a hash that is the same in every run, and what the names on it say.
// Walks the stack, so only for callers that are known to be engines: others may hold a lock.
#pragma once

#include <cstdint>

#include "jitcorral/vocabulary.h"

namespace jitcorral::call_path {

// Hash of the call path above the site, as build-id and offset of each return address, so that it
// is the same in every process that runs the same files; 0 if the stack could not be walked.
std::uint64_t fingerprint(const void* return_address, Role role);

// What the functions on the path say the block is for; kUnknown: they say nothing, or have no
// names. May open the executable's file (symbol_file.h); once a path is enough.
Kind purpose(const void* return_address, Role role);

}  // namespace jitcorral::call_path
