// The shim's own state in this process: one of each, constant-initialised, never destroyed.
#pragma once

#include <atomic>
#include <cstdint>

#include "jitcorral/policy.h"
#include "learn.h"
#include "record.h"
#include "scatter.h"
#include "window.h"

namespace jitcorral {

// A variable that was not understood, for the [jitcorral:config] line.
struct ConfigProblem {
  char name[48];
  char value[48];
  const VariableInfo* variable;  // the one it is, or the nearest one if `misspelt`; may be null
  bool misspelt;
};

// What the environment says.
extern Policy settings;

struct Process {
  // False until the constructor has run, and for ever in a process that is left alone.
  std::atomic<bool> active{false};
  Bytes max{};               // largest request to steer
  std::uint64_t random = 0;  // seed, or bits of AT_RANDOM
  Window window;
  Learner learner;
  Suspects suspects;
  Scatter scatter;
  char executable[1024] = {};  // its path; empty unless a glob may match it
  const void* libc = nullptr;  // an address inside the C library
  Record record;

  static constexpr std::size_t kMaxProblems = 4;
  ConfigProblem problems[kMaxProblems] = {};
  std::size_t problem_count = 0;

  // A seccomp filter was seen arriving: from now on only the host's own kinds of calls are made.
  std::atomic<bool> filtered{false};
  // The thread that was to open the window did not come back.
  std::atomic<bool> opening_is_stuck{false};
  std::atomic<bool> said_fallback{false};
  std::atomic<bool> said_config{false};
  std::atomic<bool> said_record{false};
  char slurm_job[32] = {};        // SLURM_JOB_ID; empty: not set, or nothing like one
  char runtime_socket[108] = {};  // $XDG_RUNTIME_DIR/jitcorral/socket; empty: not set
};

extern Process process;

// Reads the environment into `settings`. From the constructor.
void read_policy(const char* const* environment);

}  // namespace jitcorral
