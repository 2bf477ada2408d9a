// From Capstone's instructions to ours, an ISA each.
#pragma once

#include <capstone.h>

#include "decode/disassembler.h"

namespace jitcorral::decode {

Instruction lift_x86_64(const cs_insn& insn);
Instruction lift_aarch64(csh handle, const cs_insn& insn);
// An aarch64 word that Capstone does not know: an instruction of an extension that came later, of
// which nothing is known but that control goes on behind it; none: it is not allocated (zero,
// data).
std::optional<Instruction> unknown_aarch64(std::uint32_t word, Address at);

}  // namespace jitcorral::decode
