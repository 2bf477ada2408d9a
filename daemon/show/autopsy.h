// What a core says of a crash, in words. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "autopsy/crash.h"
#include "show/audit.h"
#include "show/explain.h"

namespace jitcorral::show {

Answer answer_of(autopsy::Conclusion conclusion);

// The whole in one paragraph: what happened, and what to set; or that placement is ruled out; or
// what is missing.
std::string paragraph_of(const autopsy::Crash& crash);

// `core`: the file. `most`: other misses that are shown; 0: all.
std::string autopsy_text(const autopsy::Crash& crash, std::string_view core, std::size_t most,
                         const TextOptions& options);
Json autopsy_json(const autopsy::Crash& crash, std::string_view core, std::size_t most);

}  // namespace jitcorral::show
