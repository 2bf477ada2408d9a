// The policy table: every JITCORRAL_* variable with its values, default and meaning. The shim's
// parser, the README's table (scripts/policy-table) and the command's help are all made from it.
#pragma once

#include <cstdint>
#include <string_view>

#include "jitcorral/glob.h"
#include "jitcorral/units.h"

namespace jitcorral {

enum class Mode : std::uint8_t {
  kOff,       // every call passes; nothing is looked at
  kObserve,   // decide and count, never steer
  kAuto,      // steer what JIT engines map
  kExecOnly,  // steer only requests that ask for PROT_EXEC at once
  kAll,       // steer every anonymous private mmap up to the cap
  kScatter,   // steer what auto would, as far apart as the address space allows
};

enum class Near : std::uint8_t { kAuto, kExe, kNone, kLow, kLibrary, kAddress };
enum class OnFull : std::uint8_t { kFallback, kFail };

// Where events go.
enum class RecordTo : std::uint8_t {
  kAuto,  // a recorder's socket where there is one, else nowhere
  kOff,
  kUnix,  // the recorder that listens at a socket
  kFile,  // a ring in a file of its own
};

enum class Variable : std::uint8_t {
  kPolicy,
  kSeed,
  kWindow,
  kNear,
  kInclude,
  kExclude,
  kOnly,
  kMax,
  kOnFull,
  kStats,
  kVerbose,
  kRecord,
  kLabel,
};

struct VariableInfo {
  Variable id;
  std::string_view name;
  std::string_view accepts;   // as error lines and help print it
  std::string_view fallback;  // the default, in words
  std::string_view help;
};

inline constexpr VariableInfo kVariables[] = {
    {Variable::kPolicy, "JITCORRAL_POLICY", "off, observe, auto, exec-only, all, scatter", "auto",
     "off: do nothing. observe: decide and count, never steer. auto: steer what JIT engines map. "
     "exec-only: steer only requests that ask for PROT_EXEC at once; does not fix LLVM, Julia or "
     "Cranelift hosts, which map writable memory first. all: steer every anonymous private mmap up "
     "to JITCORRAL_MAX; allocator calls as in auto. scatter: place what auto would steer as far "
     "apart as the address space allows, to provoke the failure"},
    {Variable::kSeed, "JITCORRAL_SEED", "a whole number, 0 to 18446744073709551615", "random",
     "makes the window's gap and scatter's layout reproducible"},
    {Variable::kWindow, "JITCORRAL_WINDOW", "a size of 1M to 2G: a whole number with K, M or G",
     "2G",
     "size of the window; 2G means as much as reaches: window, gap and anchor together span less "
     "than 2 GiB - 2 MiB, and JITCORRAL_VERBOSE=1 shows the true size"},
    {Variable::kNear, "JITCORRAL_NEAR",
     "auto, exe, none, low, a glob on a library's name, or an address 0x...", "auto",
     "what the window lies near. auto: where the kernel would have put the call that opens it: the "
     "libraries for mmap, the executable for allocator calls. low: below 2 GiB, for small static "
     "x86-64 code. none: anywhere"},
    {Variable::kInclude, "JITCORRAL_INCLUDE", "globs, comma-separated (16 at most)", "none",
     "also steer private anonymous mmaps, and allocator calls for whole pages, whose caller's "
     "library or symbol matches"},
    {Variable::kExclude, "JITCORRAL_EXCLUDE", "globs, comma-separated (16 at most)", "none",
     "never steer calls whose caller's library or symbol matches; wins over JITCORRAL_INCLUDE"},
    {Variable::kOnly, "JITCORRAL_ONLY", "globs, comma-separated (16 at most)", "every executable",
     "act only in processes whose executable's name matches; all others stay inert"},
    {Variable::kMax, "JITCORRAL_MAX", "a size of 4K to 2G: a whole number with K, M or G",
     "half the window", "largest request that is steered"},
    {Variable::kOnFull, "JITCORRAL_ON_FULL", "fallback, fail", "fallback",
     "when no place is left in the window. fallback: make the call as the host made it. fail: "
     "ENOMEM, for those who rather fail than risk wrong code"},
    {Variable::kStats, "JITCORRAL_STATS", "0, 1", "0",
     "1: one [jitcorral:exit] line with the counts when the process exits"},
    {Variable::kVerbose, "JITCORRAL_VERBOSE", "0, 1, 2", "0",
     "1: say where the window opens. 2: also say every placement"},
    {Variable::kRecord, "JITCORRAL_RECORD", "auto, auto,filters=N, off, unix:PATH, file:PATH",
     "auto",
     "where every placement is recorded. auto: with the recorder that listens at "
     "$XDG_RUNTIME_DIR/jitcorral/socket or /run/jitcorral/socket, if there is one, unless a "
     "seccomp "
     "filter is in force, which might kill who asks; up to N of them are known to let pass "
     "socket(AF_UNIX), connect, sendmsg, memfd_create, fcntl, ftruncate and fallocate. unix: with "
     "the "
     "recorder at this socket (`jitcorral run` sets it). file: into this new file, for `jitcorral "
     "report FILE`; %p is the pid, %h the host, %e the executable"},
    {Variable::kLabel, "JITCORRAL_LABEL", "a text without control characters", "none",
     "stored with every run that is recorded, to find it again by: a deployment, a job, a test. "
     "What is longer than 63 bytes is cut"},
};

// What the variables say, with the defaults where they say nothing.
struct Policy {
  Mode mode = Mode::kAuto;
  Near near = Near::kAuto;
  OnFull on_full = OnFull::kFallback;
  bool seeded = false;
  bool stats = false;
  std::uint8_t verbose = 0;
  std::uint64_t seed = 0;
  Bytes window = gib(2);  // 2G: as much as reaches
  Bytes max{};            // 0: half the window
  Address near_address{};
  GlobList near_library;
  GlobList include;
  GlobList exclude;
  GlobList only;
  RecordTo record = RecordTo::kAuto;
  // How many seccomp filters are known to be harmless: those that the recorder at the socket runs
  // under itself ("unix:PATH,filters=N", which recorders write), or who wrote them knows
  // ("auto,filters=N").
  std::uint8_t record_filters = 0;
  char record_path[256] = {};  // of kUnix and kFile, 0-terminated
  char label[64] = {};         // 0-terminated
};

}  // namespace jitcorral
