// One command, run and recorded: where its record goes, how it is started, how it ended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command/commands.h"
#include "show/show.h"

namespace jitcorral::command {

// How the command ended, as a shell says it: its status, or 128 + signal.
struct Ended {
  int status = 0;
  std::optional<int> signal;
  // What we were told to end by meanwhile (SIGINT, ...), besides the command.
  std::optional<int> told_to_end;
  // A command that could not be started: 126 or 127, and nothing ran.
  bool started = false;
};

// What one session left.
struct SessionResult {
  Ended ended;
  std::optional<model::Session> session;  // none: nothing was recorded
  std::vector<show::Shown> runs;
  std::string database;  // its path; empty: nothing is kept
  // Runs that were not seen to end, and that a detached recorder follows further.
  std::vector<model::RunId> followed_on;
  std::string why_not;  // why nothing was recorded
};

struct SessionPlan {
  std::vector<std::string> command;
  std::string shim;                      // empty: bare
  std::vector<std::string> environment;  // NAME=VALUE, over what is inherited
  std::string db;                        // as the user said it; empty: the default place
  bool keep_arguments = false;
  bool analyse = false;                      // the runs are wanted afterwards
  int input = -1, output = -1, errors = -1;  // the command's standard streams; -1: ours
};

// Runs the command whatever happens to its record; what could not be recorded is said on standard
// error once.
SessionResult run_session(const SessionPlan& plan);

}  // namespace jitcorral::command
