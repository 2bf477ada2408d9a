// What the metrics are made of, as plain values: the daemon fills it in when somebody asks.
//
// Counts of processes stand under a unit and an executable, never under a pid, and carry no
// addresses. How many such groups there are is bounded (groups.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "jitcorral/ring.h"

namespace jitcorral::metrics {

// How a run ended.
enum class Ending : std::uint8_t { kExit, kSignal, kUnknown, kCount };
inline constexpr std::string_view kEndingNames[] = {"exit", "signal", "unknown"};
static_assert(std::size(kEndingNames) == static_cast<std::size_t>(Ending::kCount));

// By the names that the analysis gives (analyze/report.h); a test holds the two together.
inline constexpr std::string_view kVerdictNames[] = {"within-reach", "at-risk", "out-of-reach",
                                                     "no-jit", "unknown"};

// What became of calls that a JIT made, by ring.h's counters from kSteered on.
inline constexpr std::string_view kPlacementNames[] = {"steered", "fellback", "failed",
                                                       "would_steer", "given_back"};
static_assert(std::size(kPlacementNames) == ring::kPassed);

// Why a hello or a ring was not taken.
enum class Refusal : std::uint8_t {
  kMalformed,    // wrong magic, length or enumeration
  kVersion,      // another major version
  kCredentials,  // the sender is not who it says
  kRing,         // seals, size or layout
  kRings,        // the user has as many rings as it may
  kRate,         // the user has said as much as it may
  kCount,
};
inline constexpr std::string_view kRefusalNames[] = {"malformed", "version", "credentials",
                                                     "ring",      "rings",   "rate"};
static_assert(std::size(kRefusalNames) == static_cast<std::size_t>(Refusal::kCount));

// All processes of one unit and executable. Everything but `living` only grows:
// what ended runs left, and what living ones have counted so far.
struct Group {
  std::uint64_t living = 0;  // processes
  std::array<std::uint64_t, std::size(kEndingNames)> ended{};
  std::array<std::uint64_t, std::size(kVerdictNames)> verdicts{};  // of ended runs
  std::array<std::uint64_t, std::size(kPlacementNames)> placements{};
  std::uint64_t passed = 0;
  std::uint64_t events = 0;
  std::uint64_t events_dropped = 0;
  std::uint64_t events_torn = 0;

  // The shim's own counters, of one process (model::Run::counters).
  void add(const std::array<std::uint64_t, ring::kCounters>& counters);
  void count(Ending ending) { ++ended[static_cast<std::size_t>(ending)]; }
  // A name that is none of kVerdictNames (empty: not analysed) counts as "unknown".
  void count_verdict(std::string_view name);
  Group& operator+=(const Group& other);
};

// The daemon itself.
struct Daemon {
  std::string version;
  double started = 0;                // seconds since 1970
  std::uint64_t rings = 0;           // being read
  std::uint64_t stored_bytes = 0;    // of events, since the start
  std::uint64_t database_bytes = 0;  // the file and its WAL
  std::uint64_t store_failures = 0;  // since the start
  std::array<std::uint64_t, std::size(kRefusalNames)> refused{};

  void count(Refusal refusal) { ++refused[static_cast<std::size_t>(refusal)]; }
};

}  // namespace jitcorral::metrics
