// From a record to what lay where: its events in the order of their tickets, on top of what the
// process had when it was forked.
#pragma once

#include <string>
#include <vector>

#include "analyze/address_space.h"
#include "analyze/report.h"

namespace jitcorral::analyze {

// Who made calls. The first of History::callers is the unknown one.
struct Caller {
  Role role = Role::kNone;
  std::string module;
  std::string symbol;  // mangled
  std::string version;
};

// What all pieces of one mapping share.
struct Mapping {
  std::uint32_t caller = 0;
  Outcome outcome = Outcome::kDone;
  Kind guess = Kind::kUnknown;  // what it was taken for when it was mapped
  // A JIT's memory for code and its data, whatever became of it. Other memory counts as such only
  // where it became executable.
  bool of_jit = false;
  bool of_file = false;  // a private mapping of a file: what loaders make, never a JIT's code
};

struct History {
  AddressSpace space;
  std::vector<Mapping> mappings;
  std::vector<Caller> callers;
  std::vector<std::uint64_t> tickets;  // of this process's steps: the ticket of step s is [s - 1]
  std::vector<Report::Fallback> fallbacks;  // of this process, by reason
  std::uint64_t jit_calls = 0;              // of this process: steered, fell back, would steer
  std::uint64_t senseless = 0;              // events that no shim writes
  std::uint64_t without_site = 0;           // events that map, by callers whose site is not known
  bool gave_up = false;                     // the record asks for more work than any real one
};

History replay(const model::Record& record);

// The records that `record` begins with, oldest first, itself last. A process that was not forked
// (Run::fork_time 0) begins with nothing.
std::vector<const model::Record*> ancestry(const model::Record& record);

}  // namespace jitcorral::analyze
