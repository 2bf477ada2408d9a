// What to do next: the words that all reports share.
#pragma once

#include <string>
#include <string_view>

#include "show/show.h"

namespace jitcorral::show {

// The next thing to do, by verdict and policy.
std::string advice(const Shown& shown);
// What to set against a reason to fall back; empty: no reason, or one that is not known here.
std::string_view remedy_of(PlaceFailure reason);

}  // namespace jitcorral::show
