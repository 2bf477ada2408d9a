// Where a session's record goes: the database that was named or the default one, or the best place
// that can be written.
#pragma once

#include <optional>
#include <string>

#include "store/database.h"

namespace jitcorral::command {

struct Place {
  std::optional<store::Database> database;  // none: nothing can be recorded
  std::string note;  // what the user has to know: another place, or why there is none
};

// `named`: by --db; then no other place is tried.
Place open_place(const std::string& named);

// A folder for the socket: $XDG_RUNTIME_DIR if it can be used, else $TMPDIR or /tmp.
// `for_everyone`: one that other users may enter.
std::string socket_parent(bool for_everyone);

}  // namespace jitcorral::command
