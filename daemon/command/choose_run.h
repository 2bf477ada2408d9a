// Which run is meant by a number on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "store/database.h"

namespace jitcorral::command {

// "12", "pid:12" or "run:12", as it was written.
struct Which {
  enum class Kind : std::uint8_t { kEither, kPid, kRun };
  Kind kind = Kind::kEither;
  std::int64_t number = 0;
};

struct Choice {
  model::Run run;
  std::string said;  // a number that means two things: which was taken; else empty
};

struct Chosen {
  store::Database database;
  Choice choice;
};

// Of a daemon, if one answers and has it.
std::optional<Chosen> ask_daemon_for(const Which& which);

// A pid means its newest run. Of a number that is both, the pid of a living process goes first,
// then the run, then a pid that was. `db` empty: a daemon that answers and has it, else the default
// database. Throws std::runtime_error that says what there is.
Chosen choose_run(const std::string& db, const Which& which);

}  // namespace jitcorral::command
