// Who of the callers is a JIT engine, and what became of its mappings.
#pragma once

#include <vector>

#include "analyze/replay.h"
#include "analyze/report.h"

namespace jitcorral::analyze {

// Most mappings first.
std::vector<EngineUse> engines_of(const History& history, Isa isa);

// The worst of all engines, reach by reach.
std::array<ReachUse, std::size(kReported)> worst_of(const std::vector<EngineUse>& engines, Isa isa);

// As people read it; itself if it is not a mangled C++ name.
std::string demangled(const std::string& symbol);

}  // namespace jitcorral::analyze
