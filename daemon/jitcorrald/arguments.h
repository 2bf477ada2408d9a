// The options of jitcorrald, from its command line and its configuration file.
#pragma once

#include <stdexcept>
#include <string>
#include <variant>

#include "serve/options.h"

namespace jitcorral {

// Bad usage: one line that names the thing, the value seen and what is accepted.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The internal mode of the process that keeps rings.
struct Hold {
  std::string path;
  int ready = -1;
};
// --help, --version: printed, nothing else is done.
using Asked = std::variant<serve::Options, Hold, std::string>;

// Throws UsageError. May be called again, for SIGHUP: the file is read anew.
Asked parse(int argc, const char* const* argv);

}  // namespace jitcorral
