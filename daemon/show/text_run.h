// The parts of one run's report. All take runs whose texts are printable already.
#pragma once

#include <string>

#include "show/layout.h"
#include "show/show.h"

namespace jitcorral::show {

Colour colour_of(analyze::Verdict verdict);
// Name of the executable, or "pid 12" where it is not known.
std::string name_of(const model::Run& run);
// One of its counters; "?" if the process could not say.
std::string counter_of(const model::Run& run, std::size_t which);

// Parameters tell nobody anything in a line: "f(int, char)" is shown as "f".
std::string without_parameters(const std::string& symbol);

// Everything of one run below its verdict.
std::string run_section(const Shown& shown, const TextOptions& options);
// Its tables: where the engines' mappings lay, and whether that reaches.
std::string engines_section(const Shown& shown, const TextOptions& options);
std::string reach_section(const Shown& shown, const TextOptions& options);

}  // namespace jitcorral::show
