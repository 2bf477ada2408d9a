// What `jitcorral doctor` found, as text and as JSON. Pure.
#pragma once

#include "inspect/diagnosis.h"
#include "show/show.h"

namespace jitcorral::show {

std::string text(const inspect::Diagnosis& diagnosis, const TextOptions& options);
Json json(const inspect::Diagnosis& diagnosis);

}  // namespace jitcorral::show
