// Whether placement can be what ended a process badly, in words: what `jitcorral explain` says.
// Pure: from an analysed run to an answer.
#pragma once

#include <string>
#include <vector>

#include "show/html.h"
#include "show/show.h"

namespace jitcorral::show {

enum class Answer : std::uint8_t { kRuledOut, kCanBe, kUnknown, kCount };
inline constexpr std::string_view kAnswerNames[] = {"ruled-out", "can-be", "unknown"};
static_assert(std::size(kAnswerNames) == static_cast<std::size_t>(Answer::kCount));

// One of the two mappings of a pair.
struct Side {
  AddressRange range;
  std::string kind;    // "code", "rodata", ...
  std::string module;  // of the caller that mapped it; empty: not known
  std::string symbol;  // demangled
};

// The farthest pair of an engine that lies beyond a reach that binds or may bind it.
struct BeyondReach {
  std::string engine;
  std::string reach;  // "delta32"
  Bytes limit{}, distance{};
  std::uint64_t pairs = 0, over = 0;
  Binds binds = Binds::kMaybe;
  std::string why;
  std::string relocations;
  Side from, to;
  std::uint64_t ticket = 0;
};

struct Explanation {
  Answer answer = Answer::kUnknown;
  std::string headline;               // begins "placement ..."
  std::string because;                // the report's sentence
  std::string ended;                  // how it ended, and what that says
  std::vector<BeyondReach> beyond;    // what binds for certain first, then the farthest
  std::vector<std::string> evidence;  // what was counted and seen
  std::vector<std::string> unknown;   // what cannot be known from this record
  std::vector<std::string> next;      // what to do or to set
};

Explanation explain(const Detailed& run);

std::string explanation_text(const Detailed& run, const Explanation& explanation,
                             const TextOptions& options);
Json explanation_json(const Detailed& run, const Explanation& explanation);

}  // namespace jitcorral::show
