// `jitcorral run --repeat N`: bare, scattered and auto, N times each, by turns. If scattered fails
// and auto does not, placement is the illness and this is the cure.
#pragma once

#include "command/commands.h"
#include "command/session.h"

namespace jitcorral::command {

// 0: auto never failed; kFailed: it did; 126, 127: the command can't be started.
int run_repeatedly(const RunOptions& options, const SessionPlan& plan);

}  // namespace jitcorral::command
