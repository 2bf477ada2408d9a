// A file that is written whole or not at all.
#pragma once

#include <string>
#include <string_view>

namespace jitcorral::command {

// `text` into `path`, in the place of what was there; "-": standard output. kFailed, said on
// standard error, or 0.
int write_file(const std::string& path, std::string_view text);

}  // namespace jitcorral::command
