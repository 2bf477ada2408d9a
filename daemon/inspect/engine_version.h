// Which version of its engine a module holds, by what the file itself says.
#pragma once

#include <string>

#include "jitcorral/vocabulary.h"

namespace jitcorral::inspect {

// "14.0.6", "0.116.1"; empty if the file cannot be read or does not say. Reads the file; never
// throws.
std::string engine_version(Role role, const std::string& module);

}  // namespace jitcorral::inspect
