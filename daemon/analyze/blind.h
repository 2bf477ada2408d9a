// What a record does not show.
#pragma once

#include <string>
#include <vector>

#include "analyze/replay.h"

namespace jitcorral::analyze {

struct Blind {
  std::vector<std::string> hides;  // what may hide a pair or a whole engine: no verdict then
  std::vector<std::string> soft;   // what is worth to know, and changes nothing
};

Blind blind_of(const model::Record& record, const History& history);

}  // namespace jitcorral::analyze
