// The daemon as a whole: sockets, signals, the service manager, and the loop around a Recorder.
#pragma once

#include <functional>
#include <string>

#include "serve/options.h"

namespace jitcorral::serve {

// Runs until SIGTERM or SIGINT. `read_options`: what the configuration says now, for SIGHUP; throws
// std::runtime_error with one line. Returns the exit status: 0, or 1 when it could not begin, which
// one line of the log said.
int serve(const Options& options, const std::function<Options()>& read_options);

}  // namespace jitcorral::serve
