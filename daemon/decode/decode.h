// Every reference that a stretch of code makes by a displacement. Pure: bytes and an address in,
// plain values out.
#pragma once

#include <string>
#include <vector>

#include "decode/flow.h"
#include "decode/reference.h"

namespace jitcorral::decode {

struct Decoded {
  std::vector<Reference> references;  // by `from`, then `with`
  FlowMap::Counts bytes;
  std::vector<Address> functions;  // FlowMap::functions
};

Decoded decode(const Code& code);

// The instruction at `at` as assembly; empty: none.
std::string instruction_text(const Code& code, Address at);

}  // namespace jitcorral::decode
