// From a core to what it tells of a crash.
#pragma once

#include "autopsy/crash.h"
#include "autopsy/memory.h"

namespace jitcorral::autopsy {

Crash examine(const Core& core, Memory& memory);

}  // namespace jitcorral::autopsy
