// What the distances mean, and what was not seen.
#pragma once

#include "analyze/replay.h"
#include "analyze/report.h"

namespace jitcorral::analyze {

// Fills in verdict, because and blind of a report that has its engines, reaches and fallbacks.
void judge(const model::Record& record, const History& history, Report& report);

// "5.2 GiB".
std::string text_of(Bytes bytes);

}  // namespace jitcorral::analyze
