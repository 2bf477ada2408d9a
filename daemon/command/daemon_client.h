// Asks a daemon for the runs that the asker may see.
#pragma once

#include <optional>

#include "model/query.h"
#include "store/database.h"

namespace jitcorral::command {

// The user's own daemon ($XDG_RUNTIME_DIR/jitcorral/query) or the machine's (/run/jitcorral/query),
// whichever answers first. None: no daemon is there. Throws std::runtime_error with one line if one
// is there and refuses, or answers what makes no sense.
std::optional<store::Database> ask_daemon(const model::Query& query);

}  // namespace jitcorral::command
