// Packages of a Python that hold a JIT engine.
#pragma once

#include "inspect/beside.h"

namespace jitcorral::inspect {

Beside look_beside_python(const Program& program, const Elf& elf, const Surroundings& surroundings);

}  // namespace jitcorral::inspect
