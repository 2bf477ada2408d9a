// What a list of mappings says by itself: which references could reach, and what an address that
// leads nowhere may have meant. Pure.
#pragma once

#include <optional>
#include <vector>

#include "decode/landing.h"

namespace jitcorral::autopsy {

// How far the JITs' code lies from what it may refer to by one field.
struct Span {
  decode::Field field = decode::Field::kRel32;
  bool to_code = false;  // other code of JITs; else memory of no file
  std::uint64_t pairs = 0;
  std::uint64_t beyond = 0;  // of these, that can't reach each other in the worst case
  // The code whose nearest such memory is the farthest; none: there is no pair.
  std::optional<decode::Place> code, nearest;
  Bytes distance{};
};
std::vector<Span> spans(Isa isa, const decode::Places& places);

// Memory that lies exactly a multiple of a field's span away from `address`, where code of a JIT is
// within reach of that: what was meant, if a reference was cut off. One, or none.
std::vector<decode::Landed> meant_by(Isa isa, Address address, decode::Access access,
                                     const decode::Places& places);

}  // namespace jitcorral::autopsy
