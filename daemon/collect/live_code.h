// The code of a living process, its references and what lies there: read from outside, at one
// moment, while it runs.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "collect/proc.h"
#include "decode/audit.h"

namespace jitcorral::collect {

// Memory that is known to be an engine's, by a record.
struct EngineMemory {
  AddressRange range;
  std::int32_t engine = -1;
  bool code = false;
};

struct WhatToAudit {
  std::vector<EngineMemory> known;
  bool files = false;  // also the code of executables and libraries
  // Under an emulator: what its own addresses are below the emulator's, and its own ISA. Then only
  // code that is known is seen.
  bool emulated = false;
  Bytes shift{};
  Isa isa = Isa::kUnknown;  // unknown: the executable's
  Bytes most = mib(256);    // of code; what is more is not looked at, and said
};

struct LiveAudit {
  std::string why_not;  // one line; empty: done
  decode::Audit audit;
};

LiveAudit audit_process(pid_t pid, const WhatToAudit& what);

// Every mapping with whose it is. `known` cuts mappings apart. Of addresses as the process sees
// them.
std::vector<decode::Place> places_of(const std::vector<proc::Mapping>& mappings,
                                     const WhatToAudit& what);

}  // namespace jitcorral::collect
