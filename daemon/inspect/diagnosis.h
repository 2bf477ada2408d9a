// What looking at an executable and its libraries tells, as plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/linker.h"
#include "inspect/program.h"
#include "jitcorral/binding.h"
#include "jitcorral/policy.h"

namespace jitcorral::inspect {

enum class Answer : std::uint8_t {
  kServes,    // an engine will be there, and jitcorral will steer it
  kMayServe,  // an engine may be loaded; if so, jitcorral will steer it
  kNothing,   // no engine that needs it was found
  kCannot,    // an engine was found, and jitcorral can't serve it here
  kUnknown,   // the files do not tell
  kCount,
};
inline constexpr std::string_view kAnswerNames[] = {"serves", "may-serve", "nothing-to-serve",
                                                    "cannot-serve", "unknown"};
static_assert(std::size(kAnswerNames) == static_cast<std::size_t>(Answer::kCount));
inline constexpr std::string_view kCertaintyNames[] = {"linked", "asked", "beside"};

// The exit status of `jitcorral doctor` by its answer: --check's of `jitcorral run`.
constexpr int exit_status(Answer answer) {
  return answer == Answer::kCannot ? 3 : answer == Answer::kUnknown ? 4 : 0;
}

// `id` is stable, for programs.
struct Note {
  std::string id;
  std::string text;
};

struct ReachNeed {
  std::string name;  // as reports have it
  Bytes limit{};
  Binds binds = Binds::kMaybe;
  std::string why;
};

struct EngineFound {
  Role role = Role::kNone;
  std::string version;  // empty: not known
  std::string module;   // path
  Certainty certainty = Certainty::kLinked;
  std::string why_there;  // why it is or may be in the process
  std::string found_by;   // what gave it away
  std::string allocates;  // by which calls it gets its memory
  std::vector<ReachNeed> reach;
  bool is_used = true;     // false: nothing here calls its JIT
  bool is_served = false;  // jitcorral steers it, unless an obstacle stands before all
  std::string outcome;     // what jitcorral does with it
};

// A module that makes code and takes care of it itself.
struct Independent {
  std::string module;
  std::string why;
};

struct Diagnosis {
  Answer answer = Answer::kUnknown;
  std::string because;
  std::string next;  // what to do now; empty: nothing
  Program program;
  Isa isa = Isa::kUnknown;
  std::string linkage;  // "pie", "non-pie", "static", "static-pie", "library"
  std::string libc;     // "glibc", "musl", "other"; "none" if no dynamic linker runs
  std::size_t libraries = 0;
  std::vector<EngineFound> engines;
  std::vector<Independent> independent;
  Mode mode = Mode::kAuto;
  std::vector<std::string> settings;  // NAME=VALUE of what is set
  std::vector<Note> obstacles;        // why jitcorral does nothing in this process
  std::vector<Note> will;             // what it does
  std::vector<Note> limits;           // what it can't see, or this command can't know
  std::vector<Missing> missing;       // libraries that were not found
};

// Looks at what a command would start. Throws CannotStart.
Diagnosis diagnose(const std::vector<std::string>& command, const Surroundings& surroundings);

// Parts of it, each over what was loaded.
std::vector<EngineFound> engines_in(const Linker& linker, const Policy& policy);
std::vector<Independent> independents_in(const Linker& linker);
std::vector<Note> obstacles_in(const Diagnosis& diagnosis, const Linker& linker,
                               const Policy& policy, const Surroundings& surroundings);
std::vector<Note> limits_in(const Diagnosis& diagnosis, const Linker& linker);
// What JITCORRAL_ variables say; what is wrong with them goes into `problems`.
Policy policy_from(const Surroundings& surroundings, std::vector<Note>& problems);

}  // namespace jitcorral::inspect
