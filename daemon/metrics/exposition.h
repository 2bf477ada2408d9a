// A snapshot as Prometheus' text format (version 0.0.4).
#pragma once

#include <string>

#include "metrics/groups.h"

namespace jitcorral::metrics {

inline constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

std::string exposition(const Snapshot& snapshot);

}  // namespace jitcorral::metrics
