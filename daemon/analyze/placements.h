// What a picture of one run is drawn from: every mapping there ever was, from when to when, whose
// it was and what it became, and how the farthest distance of each engine went over time.
#pragma once

#include <cstdint>
#include <vector>

#include "analyze/replay.h"
#include "analyze/report.h"

namespace jitcorral::analyze {

inline constexpr std::int32_t kNoEngine = -1;

struct Placement {
  AddressRange range;
  // Tickets of the events that began and ended it.
  std::optional<std::uint64_t> born;  // none: the process had it from the beginning
  std::optional<std::uint64_t> died;  // none: there to the end
  std::uint32_t caller = 0;           // index into Placements::callers; 0: unknown
  std::int32_t engine = kNoEngine;    // index into Report::engines
  Kind kind = Kind::kUnknown;         // what it became: CallerUse::kind
  Outcome outcome = Outcome::kDone;
  bool of_jit = false;  // counts in pairs: a JIT's memory for code and its data, or code of its own
};

// From this event on the farthest pair of an engine was `distance` apart, as delta32 measures.
struct Farthest {
  std::optional<std::uint64_t> since;  // ticket; none: from the beginning
  std::int32_t engine = kNoEngine;
  std::optional<Bytes> distance;  // none: there was no pair
};

struct Placements {
  std::vector<Caller> callers;
  std::vector<Placement> all;      // in the order they were made
  std::vector<Farthest> farthest;  // in order of time; an entry where it changed
  bool gave_up = false;            // the record asks for more work than any real one
};

// `report`: of the same record.
Placements placements_of(const model::Record& record, const Report& report);

// The caller of the mapping that is `range`; null if none is.
const Caller* caller_of(const Placements& placements, AddressRange range);

}  // namespace jitcorral::analyze
