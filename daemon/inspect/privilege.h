// Whether the kernel would start an executable with more privileges than its caller has: AT_SECURE,
// under which the dynamic linker takes no preload from the environment.
#pragma once

#include <string>

namespace jitcorral::inspect {

// "set-uid", "set-gid", "has file capabilities"; empty: it gains none when we start it.
std::string gained_privilege(int file);

}  // namespace jitcorral::inspect
