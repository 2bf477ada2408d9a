// The analysis of one run: where the mappings of each engine lay over time, how far from each
// other, whether that reaches, and what it means. Pure: from a record to a report.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jitcorral/binding.h"
#include "jitcorral/reach.h"
#include "model/run.h"

namespace jitcorral::analyze {

enum class Verdict : std::uint8_t {
  kWithinReach,  // every pair that may have to reach each other did: placement is ruled out
  kAtRisk,       // some pair lay beyond a reach that binds or may bind, or a JIT call fell back
  kOutOfReach,   // a decoded reference misses its target (not decided by distances)
  kNoJit,        // no JIT was at work: placement is ruled out
  kUnknown,      // something was not seen; Report::blind names it
  kCount,
};
inline constexpr std::string_view kVerdictNames[] = {"within-reach", "at-risk", "out-of-reach",
                                                     "no-jit", "unknown"};
static_assert(std::size(kVerdictNames) == static_cast<std::size_t>(Verdict::kCount));

// The reaches that reports show, in this order.
inline constexpr ReachKind kReported[] = {ReachKind::kBranch26, ReachKind::kDelta32,
                                          ReachKind::kAdrp};

// Two mappings of one engine that were there at the same time.
struct Pair {
  AddressRange from;  // code
  AddressRange to;
  Kind to_kind = Kind::kUnknown;
  std::uint64_t ticket = 0;  // the event that made them a pair
};

// How one reach fared: over all pairs of which one is code (for kBranch26: both are). Distances are
// measured as its instructions do: kBranch26 between instructions, kAdrp between 4 KiB pages.
struct ReachUse {
  ReachKind kind = ReachKind::kDelta32;
  bool on_isa = false;           // instructions with this reach exist on the ISA that ran
  Bytes limit{};                 // greatest displacement
  std::optional<Bytes> worst;    // greatest distance between bytes of a pair; none: no pair
  std::uint64_t pairs = 0;       // pairs that were ever there at the same time
  std::uint64_t pairs_over = 0;  // of these, beyond the limit
  Binds binds = Binds::kNo;      // the strongest of all engines whose pairs are counted here
  std::string why;               // the source of `binds`
  std::optional<Pair> worst_pair;
};

// The mappings of one caller and kind. `kind` is what they became: code if ever executable, rodata
// if made read-only, else rwdata; unknown if they are PROT_NONE to the end.
struct CallerUse {
  std::string module;  // path
  std::string symbol;  // demangled; empty: unknown
  Kind kind = Kind::kUnknown;
  std::uint64_t mappings = 0;  // ever
  std::uint64_t live = 0;      // at the end
  Bytes bytes{};               // ever
  Bytes live_bytes{};          // at the end
  AddressRange span;           // from the lowest to the highest byte ever
  std::uint64_t steered = 0, fell_back = 0, passed = 0, would_steer = 0;
};

struct EngineUse {
  Role role = Role::kNone;
  std::string name;     // for people: "LLVM 14.0.6 in libllvmlite.so"
  std::string module;   // path
  std::string version;  // empty: unknown
  std::vector<CallerUse> callers;
  std::array<ReachUse, std::size(kReported)> reach;
  // Memory that it mapped as for code (steered, fell back, would steer) and that never became
  // executable. All of it: the host may have gone to its interpreter.
  std::uint64_t never_executable = 0;
  Bytes never_executable_bytes{};
  bool any_executable = false;
};

struct Report {
  Verdict verdict = Verdict::kUnknown;
  std::string because;                               // one sentence
  std::array<ReachUse, std::size(kReported)> reach;  // the worst over all engines
  std::vector<EngineUse> engines;                    // most mappings first
  std::vector<std::string> blind;                    // what was not seen, one clause each
  // What one window could not serve, for people: fallbacks by reason and call.
  struct Fallback {
    PlaceFailure reason = PlaceFailure::kNone;
    std::uint64_t calls = 0;
    Bytes bytes{};
    Bytes largest{};
  };
  std::vector<Fallback> fallbacks;
};

Report analyse(const model::Record& record);

}  // namespace jitcorral::analyze
