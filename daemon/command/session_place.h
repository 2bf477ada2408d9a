// Where a session's record goes: the database that was named or the default one, or the best place
// that can be written.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/database.h"

namespace jitcorral::command {

struct Place {
  std::optional<store::Database> database;  // none: nothing can be recorded
  std::string note;  // what the user has to know: another place, or why there is none
};

// `named`: by --db; then no other place is tried.
Place open_place(const std::string& named);

// Folders for the socket, best first: $XDG_RUNTIME_DIR, $TMPDIR, /tmp. `for_everyone`: only those
// that other users may enter.
std::vector<std::string> socket_parents(bool for_everyone);

}  // namespace jitcorral::command
