// What is known of one recorded process, as plain values: what the recorder writes, the database
// keeps, the analysis reads and the reports show. No behaviour, no input or output.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jitcorral/event.h"
#include "jitcorral/policy.h"
#include "jitcorral/ring.h"

namespace jitcorral::model {

using SessionId = std::int64_t;
using RunId = std::int64_t;
// Nanoseconds since 1970-01-01 UTC (CLOCK_REALTIME).
using WallTime = std::int64_t;

// One `jitcorral run`, or one stretch of a daemon: the runs of a command and all its descendants.
struct Session {
  SessionId id = 0;
  WallTime started = 0;
  std::optional<WallTime> ended;  // none: it still runs, or its recorder was killed
  std::string command;            // the command's name; all of it, as JSON, if that was asked for
  std::string host;               // the machine's name
  std::string version;            // of the recorder
  std::optional<int> status;      // what the command ended with; 128 + signal when killed by one
};

// Session::command of a daemon's: one a boot, which is never seen to end.
inline constexpr const char* kDaemonCommand = "jitcorrald";

// What became of the process so far.
enum class RunState : std::uint8_t {
  kRunning,    // not seen to end; after its session's end: it outlived its recorder, or that died
  kEnded,      // see Run::exit_code and Run::signal; neither: it ended, nobody knows how
  kReplaced,   // the process called exec: what came after is a run of its own
  kNotLoaded,  // the shim was never loaded; Run::reason says why, where that is known
  kCount,
};

struct WindowInfo {
  AddressRange range;
  AddressRange anchor;  // what it lies near; empty: nothing
  bool reserved = false;
};

// Counters as the shim counts them (ring.h: kSteered, ...).
using Counters = std::array<std::uint64_t, ring::kCounters>;

struct Run {
  RunId id = 0;
  SessionId session = 0;
  std::optional<RunId> parent;  // the run that forked this one
  std::uint32_t pid = 0;
  RunState state = RunState::kRunning;
  std::string
      reason;  // kNotLoaded: why; else: why nothing could be recorded; empty: nothing to say
  std::string executable;
  Isa isa = Isa::kUnknown;
  std::uint32_t page_size = 0;
  Mode mode = Mode::kAuto;
  Near near = Near::kAuto;
  std::string version;  // of the shim
  // Who it was, for a daemon that records many users' processes; not known of runs of a command.
  std::optional<std::uint32_t> uid;
  std::uint64_t identity = 0;       // Hello::identity; 0: not known
  std::string boot;                 // /proc/sys/kernel/random/boot_id; pids mean nothing without it
  std::uint64_t start_ticks = 0;    // field 22 of /proc/PID/stat: tells apart who reuses a pid
  std::string unit;                 // systemd's, by its cgroup ("nginx.service"); empty: none
  std::string container;            // id of a container, by its cgroup; empty: none
  std::string slurm_job;            // SLURM_JOB_ID of its environment
  std::string label;                // JITCORRAL_LABEL of its environment
  std::uint64_t placed_before = 0;  // placements that were made before its record began
  WallTime started = 0;
  std::optional<WallTime> ended;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::uint64_t fork_time =
      0;  // CLOCK_MONOTONIC, ns: the parent's events up to here are also its own
  std::optional<WindowInfo> window;
  std::optional<Counters> counters;  // none: the process ended before it could say
  bool has_ring = false;             // an event was recorded, or was to be
  std::uint64_t recorded = 0;        // events taken over from the ring
  std::uint64_t position = 0;        // tickets given out when the ring was last looked at
  std::uint64_t dropped = 0;         // events that did not fit
  std::uint64_t torn = 0;        // events whose writer died in the middle, or that made no sense
  std::uint64_t texts_lost = 0;  // call sites and names that did not fit
  bool filter_arrived = false;   // later events carry no time: no new system call was made for it
  std::uint32_t samples = 0;     // how often the process's own list of mappings was looked at
  std::string verdict;           // as analysed when the run was last written; empty: not yet
};

// Where a call came from. `id` is what Event::site says.
struct Site {
  std::uint32_t id = 0;
  Role role = Role::kNone;
  std::uint64_t address = 0;   // the return address
  std::uint64_t offset = 0;    // the same in the module's own addresses
  std::uint64_t identity = 0;  // of the module: hash of its build-id
  std::string module;          // path; empty: unknown
  std::string symbol;          // mangled; empty: unknown
  std::string version;         // of the engine in that module ("14.0.6"); empty: unknown
};

// Executable memory that belongs to no file and that no event explains, found in the process's list
// of mappings.
struct Unseen {
  std::uint64_t ticket = 0;  // events below it were known when this was found
  AddressRange range;
  std::string permissions;  // as /proc/PID/maps has them: "rwxp"
};

// All of a run: what the analysis needs.
struct Record {
  Run run;
  std::vector<Site> sites;
  std::vector<Event> events;  // by ticket
  std::vector<Unseen> unseen;
  // What the parent had mapped when it forked this process; null if it was not forked.
  const Record* parent = nullptr;
};

}  // namespace jitcorral::model
