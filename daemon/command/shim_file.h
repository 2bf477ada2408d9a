// The shim that belongs to this command, as a file.
#pragma once

#include <string>

namespace jitcorral::command {

// Path of libjitcorral.so: in the folder of this executable, the one above, or as installed
// (../lib/*/jitcorral). Empty: not found.
std::string find_shim();

// The version that the library says of itself; empty if it doesn't. Reads the file, runs nothing.
std::string shim_version(const std::string& path);

}  // namespace jitcorral::command
