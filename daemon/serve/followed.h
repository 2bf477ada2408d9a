// One recorded process, as a daemon sees it: when its ring is to be read next, and by which name
// its descriptors are kept.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "collect/process.h"
#include "serve/limits.h"

namespace jitcorral::serve {

using collect::Clock;

// The shortest interval between two looks.
inline constexpr std::chrono::milliseconds kOften(50);

struct Followed : collect::Process {
  User* user = nullptr;
  uid_t uid = 0;
  Clock::time_point due = Clock::time_point::max();  // of the next look; max: the doorbell rings
  Clock::duration interval{};                        // between two looks, while it is awake
  bool awake = false;
  bool kept = false;         // by the keeper, under name()
  bool safe = false;         // ... and it is known to have arrived there
  bool to_explain = false;   // what an earlier daemon stored was not looked at yet
  std::uint64_t stored = 0;  // of run.recorded: events that are in the database

  // Of what is kept: all that a next daemon needs if the database knows nothing yet.
  std::string name() const;
};

// What name() says.
struct Named {
  std::uint64_t identity = 0;
  pid_t pid = 0;
  uid_t uid = 0;
  std::uint64_t start_ticks = 0;
};
std::optional<Named> parse_name(const std::string& name);

}  // namespace jitcorral::serve
