// The names of the model's enumerations, as reports and JSON call them.
#pragma once

#include <iterator>
#include <string_view>

#include "jitcorral/policy.h"
#include "model/run.h"

namespace jitcorral::show {

// Nothing tells of these: they say no hello, and are gone before anybody looks.
inline constexpr const char* kUnlisted =
    "processes that lived for less than some 20 ms and did not load the library";

inline constexpr std::string_view kModeNames[] = {"off",       "observe", "auto",
                                                  "exec-only", "all",     "scatter"};
static_assert(std::size(kModeNames) == static_cast<std::size_t>(Mode::kScatter) + 1);

inline constexpr std::string_view kNearNames[] = {"auto", "exe",     "none",
                                                  "low",  "library", "address"};
static_assert(std::size(kNearNames) == static_cast<std::size_t>(Near::kAddress) + 1);

inline constexpr std::string_view kStateNames[] = {"running", "ended", "replaced", "not-loaded"};
static_assert(std::size(kStateNames) == static_cast<std::size_t>(model::RunState::kCount));

}  // namespace jitcorral::show
