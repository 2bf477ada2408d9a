#include "decode/lift.h"

namespace jitcorral::decode {
namespace {

Access access_of(const cs_insn& insn, const cs_x86_op& operand) {
  switch (insn.id) {
    case X86_INS_LEA:
    case X86_INS_PREFETCH:
    case X86_INS_PREFETCHNTA:
    case X86_INS_PREFETCHT0:
    case X86_INS_PREFETCHT1:
    case X86_INS_PREFETCHT2:
    case X86_INS_PREFETCHW:
      return Access::kAddress;
    case X86_INS_TEST:  // Capstone 4 says it writes
    case X86_INS_VLDMXCSR:
    case X86_INS_VERR:
    case X86_INS_VERW:
      return Access::kRead;
    default:
      break;
  }
  // VEX and EVEX stores, which Capstone 4 calls reads: of these, memory that stands first is
  // written.
  if (insn.mnemonic[0] == 'v' && &operand == insn.detail->x86.operands) return Access::kWrite;
  const bool reads = (operand.access & CS_AC_READ) != 0,
             writes = (operand.access & CS_AC_WRITE) != 0;
  if (reads && writes) return Access::kReadWrite;
  return writes ? Access::kWrite : Access::kRead;
}

// [rip + disp32], and [disp32] that no segment and no register adds to.
std::optional<Reference> memory_reference(const cs_insn& insn, const cs_x86_op& operand) {
  const x86_op_mem& mem = operand.mem;
  const bool of_rip = mem.base == X86_REG_RIP;
  const bool absolute = mem.base == X86_REG_INVALID && mem.index == X86_REG_INVALID &&
                        mem.segment != X86_REG_FS && mem.segment != X86_REG_GS &&
                        insn.detail->x86.encoding.disp_size == 4 && insn.detail->x86.addr_size == 8;
  if (!of_rip && !absolute) return std::nullopt;
  // A null pointer with an offset, as compilers leave it where nothing is ever meant to come by.
  constexpr std::uint64_t kNull = 64 << 10;  // the usual vm.mmap_min_addr
  if (absolute && static_cast<std::uint64_t>(mem.disp) < kNull) return std::nullopt;
  Reference reference;
  reference.from = {insn.address};
  const auto displacement = static_cast<std::uint64_t>(mem.disp);
  reference.to = {of_rip ? insn.address + insn.size + displacement : displacement};
  reference.field = of_rip ? Field::kRip32 : Field::kAbs32;
  reference.access = access_of(insn, operand);
  if (reference.access != Access::kAddress) reference.size = operand.size;
  return reference;
}

bool in_group(const cs_insn& insn, unsigned group) {
  for (unsigned i = 0; i < insn.detail->groups_count; ++i)
    if (insn.detail->groups[i] == group) return true;
  return false;
}

Flow flow_of(const cs_insn& insn, bool direct) {
  switch (insn.id) {
    case X86_INS_JMP:
      return direct ? Flow::kJump : Flow::kIndirectJump;
    case X86_INS_LJMP:
      return Flow::kIndirectJump;
    case X86_INS_INT3:
    case X86_INS_UD0:
    case X86_INS_UD2:
    case X86_INS_UD2B:
    case X86_INS_HLT:
      return Flow::kEnd;
    case X86_INS_LOOP:  // in no group of jumps
    case X86_INS_LOOPE:
    case X86_INS_LOOPNE:
      return Flow::kBranch;
    default:
      break;
  }
  if (in_group(insn, CS_GRP_CALL)) return Flow::kCall;
  if (in_group(insn, CS_GRP_RET) || in_group(insn, CS_GRP_IRET)) return Flow::kEnd;
  return in_group(insn, CS_GRP_JUMP) ? Flow::kBranch : Flow::kNext;
}

}  // namespace

Instruction lift_x86_64(const cs_insn& insn) {
  const cs_x86& x86 = insn.detail->x86;
  Instruction out;
  out.at = {insn.address};
  out.size = static_cast<std::uint8_t>(insn.size);
  const bool relative = in_group(insn, CS_GRP_BRANCH_RELATIVE) && x86.op_count > 0 &&
                        x86.operands[0].type == X86_OP_IMM;
  out.flow = flow_of(insn, relative);
  out.padding = insn.id == X86_INS_NOP || insn.id == X86_INS_INT3;
  if (relative) {
    // A prefix of 16 bits would cut the address off; no compiler makes one.
    out.target = Address{static_cast<std::uint64_t>(x86.operands[0].imm)};
    Reference reference;
    reference.from = out.at;
    reference.to = *out.target;
    // The displacement is what stands behind the opcode.
    const bool is_short = insn.size - x86.encoding.imm_offset == 1;
    reference.field = is_short ? Field::kRel8 : Field::kRel32;
    reference.access = out.flow == Flow::kCall ? Access::kCall : Access::kJump;
    out.reference = reference;
    return out;
  }
  if (out.padding) return out;  // NOP [rip + 0] touches nothing
  for (unsigned i = 0; i < x86.op_count; ++i)
    if (x86.operands[i].type == X86_OP_MEM)
      if (auto reference = memory_reference(insn, x86.operands[i])) out.reference = reference;
  return out;
}

}  // namespace jitcorral::decode
