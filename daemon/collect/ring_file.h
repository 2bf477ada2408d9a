// Reads a ring that JITCORRAL_RECORD=file: left, as one run.
#pragma once

#include <string>

#include "model/run.h"

namespace jitcorral::collect {

// Throws std::runtime_error with one line that names the file. Does not change the file.
model::Record read_ring_file(const std::string& path);

}  // namespace jitcorral::collect
