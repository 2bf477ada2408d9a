// The database that `report` and `runs` read.
#pragma once

#include <string>

#include "store/database.h"

namespace jitcorral::command {

// `path` empty: the default place. Throws std::runtime_error with one line that says what to do.
store::Database open_database(const std::string& path);

// What follows a subcommand's name in hints: " --db FILE", quoted for a shell if need be.
std::string db_option(const std::string& path);

}  // namespace jitcorral::command
