// Engines whose library holds more than their code generator: whether the call path says that a
// call is the generator's. Walks the stack, so only for callers that are known to be engines.
#pragma once

#include "decide.h"

namespace jitcorral::engine_path {

// False: the engine's library made this call for something else than code and its data. True also
// where the stack could not be walked.
bool is_generators(const void* return_address, Role role);

// Whether a call is steered for its caller's role alone, not for what the policy names.
constexpr bool decided_by_role(const Caller& caller, const Policy& policy) {
  return caller.included == 0 && policy.mode != Mode::kAll && policy.mode != Mode::kExecOnly;
}

}  // namespace jitcorral::engine_path
