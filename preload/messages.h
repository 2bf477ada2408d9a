// The lines that the shim says of its work, each with a stable tag.
#pragma once

#include "decide.h"
#include "window.h"

namespace jitcorral::messages {

// Once a process: what could not be placed and why, what was done instead, what to set.
void fell_back(const char* what, Bytes length, const Placed& placed, bool refused,
               const void* site);
// Once a process: what was wrong in the environment.
void config_problems();
// Once a process: that nothing is recorded although it was asked for.
void cannot_record(std::string_view why, int error);
// With JITCORRAL_VERBOSE.
void window_opened();
void placed(Address at, const MapCall& call, Kind kind, const void* site);
// At exit, after a fallback or with JITCORRAL_STATS=1.
void counts();

}  // namespace jitcorral::messages
