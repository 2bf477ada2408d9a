// One run of a command with its standard streams caught: how it ended, what it said, what it cost.
// What `compare` and `selftest` are made of.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/session.h"
#include "command/session_child.h"

namespace jitcorral::command {

// What was written to one stream.
struct Caught {
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;  // of all of it
  std::string text;        // its beginning
};

struct Trial {
  Ended ended;
  bool timed_out = false;
  Caught output, errors;
  std::vector<std::string> own_lines;  // "[jitcorral:...", taken out of `errors`
  double wall = 0, cpu = 0;            // seconds; cpu: of it and the children that it waited for
  std::uint64_t max_rss = 0;           // bytes, of the largest process among these
  std::uint64_t faults = 0;            // minor and major
  // Of the command's own process, by samples of /proc/PID/maps (2 ms after the start, then ever
  // more seldom, 4 a second at last): a short peak between two is not seen. 0: no sample was had.
  std::uint64_t maps = 0;
  bool saw_shim = false;  // in one of these
};

struct TrialPlan {
  std::vector<std::string> command;
  std::string shim;                      // empty: bare
  std::chrono::milliseconds timeout{0};  // 0: none; killed after it
};

// `--shim` or the one beside this command; empty: it was said why there is none that can be used.
std::string shim_for_trials(const std::string& named);

// Standard input is empty. A command that can't be started: ended.started is false, and it was said
// why. Signals that we get are handed on (Ended::told_to_end).
Trial run_trial(const TrialPlan& plan);

}  // namespace jitcorral::command
