#include <string_view>

#include "decode/lift.h"

namespace jitcorral::decode {
namespace {

constexpr std::uint8_t kNoRegister = 0xFF;
// What a call may change (AAPCS64): x0 to x18, and x30.
constexpr std::uint32_t kClobbered = (1U << 19) - 1 + (1U << 30);

// x0 to x30 and w0 to w30 by their number. Capstone's own numbers are in three pieces.
std::uint8_t number_of(unsigned reg) {
  if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
    return static_cast<std::uint8_t>(reg - ARM64_REG_X0);
  if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30)
    return static_cast<std::uint8_t>(reg - ARM64_REG_W0);
  if (reg == ARM64_REG_X29) return 29;
  return reg == ARM64_REG_X30 ? 30 : kNoRegister;
}

// Bytes that a load or store moves for one register.
std::uint8_t width_of(std::string_view mnemonic, unsigned reg) {
  if (mnemonic.ends_with("sw") || mnemonic.starts_with("ldpsw")) return 4;
  if (mnemonic.ends_with('b')) return 1;
  if (mnemonic.ends_with('h')) return 2;
  if (reg >= ARM64_REG_Q0 && reg <= ARM64_REG_Q31) return 16;
  if (reg >= ARM64_REG_D0 && reg <= ARM64_REG_D31) return 8;
  if (reg >= ARM64_REG_S0 && reg <= ARM64_REG_S31) return 4;
  if (reg >= ARM64_REG_H0 && reg <= ARM64_REG_H31) return 2;
  if (reg >= ARM64_REG_B0 && reg <= ARM64_REG_B31) return 1;
  return reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30 ? 4 : 8;
}

bool is_pair(std::string_view mnemonic) {
  return mnemonic.starts_with("ldp") || mnemonic.starts_with("stp") ||
         mnemonic.starts_with("ldnp") || mnemonic.starts_with("stnp");
}

std::uint8_t size_of_access(const cs_insn& insn) {
  const cs_arm64_op& first = insn.detail->arm64.operands[0];
  if (first.type != ARM64_OP_REG) return 0;
  const std::uint8_t one = width_of(insn.mnemonic, first.reg);
  return is_pair(insn.mnemonic) ? static_cast<std::uint8_t>(2 * one) : one;
}

// Of instructions with a memory operand; Capstone's own word on that is wrong for stores.
Access access_of(std::string_view mnemonic) {
  if (mnemonic.starts_with("prf")) return Access::kAddress;
  return mnemonic.starts_with("st") ? Access::kWrite : Access::kRead;
}

// The last immediate operand: the address that a branch, ADR or literal load names.
std::optional<Address> named_address(const cs_arm64& arm) {
  if (arm.op_count == 0) return std::nullopt;
  const cs_arm64_op& last = arm.operands[arm.op_count - 1];
  if (last.type != ARM64_OP_IMM) return std::nullopt;
  return Address{static_cast<std::uint64_t>(last.imm)};
}

// Base and offset of ADD Xd, Xn, #imm and of loads and stores; not with an index, a shift by 12, or
// a base that changes.
std::optional<BaseUse> use_of(const cs_insn& insn) {
  const cs_arm64& arm = insn.detail->arm64;
  BaseUse use;
  if (insn.id == ARM64_INS_ADD && arm.op_count == 3 && arm.operands[2].type == ARM64_OP_IMM &&
      arm.operands[2].shift.value == 0 && arm.operands[1].type == ARM64_OP_REG) {
    use.base = number_of(arm.operands[1].reg);
    use.offset = {static_cast<std::uint64_t>(arm.operands[2].imm)};
    if (arm.operands[1].reg >= ARM64_REG_W0 && arm.operands[1].reg <= ARM64_REG_W30)
      return std::nullopt;
    return use.base == kNoRegister ? std::nullopt : std::optional(use);
  }
  if (arm.writeback) return std::nullopt;
  for (unsigned i = 0; i < arm.op_count; ++i) {
    const cs_arm64_op& operand = arm.operands[i];
    if (operand.type != ARM64_OP_MEM || operand.mem.index != ARM64_REG_INVALID) continue;
    use.base = number_of(operand.mem.base);
    if (use.base == kNoRegister || operand.mem.disp < 0) return std::nullopt;
    use.offset = {static_cast<std::uint64_t>(operand.mem.disp)};
    use.access = access_of(insn.mnemonic);
    if (use.access != Access::kAddress) use.size = size_of_access(insn);
    return use;
  }
  return std::nullopt;
}

std::uint32_t written(csh handle, const cs_insn& insn) {
  cs_regs read{}, write{};
  std::uint8_t reads = 0, writes = 0;
  if (cs_regs_access(handle, &insn, read, &reads, write, &writes) != CS_ERR_OK) return ~0U;
  std::uint32_t mask = 0;
  for (unsigned i = 0; i < writes; ++i)
    if (const std::uint8_t n = number_of(write[i]); n != kNoRegister) mask |= 1U << n;
  return mask;
}

struct Shape {
  Field field;
  Access access;
  Flow flow;
};

// What the address that an instruction names is to it; none: it names none.
std::optional<Shape> shape_of(const cs_insn& insn) {
  switch (insn.id) {
    case ARM64_INS_B: {
      // B.cond has a field of its own.
      const arm64_cc cc = insn.detail->arm64.cc;
      if (cc == ARM64_CC_INVALID) return Shape{Field::kBranch26, Access::kJump, Flow::kJump};
      return Shape{Field::kBranch19, Access::kJump, Flow::kBranch};
    }
    case ARM64_INS_BL:
      return Shape{Field::kBranch26, Access::kCall, Flow::kCall};
    case ARM64_INS_CBZ:
    case ARM64_INS_CBNZ:
      return Shape{Field::kBranch19, Access::kJump, Flow::kBranch};
    case ARM64_INS_TBZ:
    case ARM64_INS_TBNZ:
      return Shape{Field::kBranch14, Access::kJump, Flow::kBranch};
    case ARM64_INS_ADR:
      return Shape{Field::kAdr, Access::kAddress, Flow::kNext};
    case ARM64_INS_ADRP:
      return Shape{Field::kAdrp, Access::kAddress, Flow::kNext};
    case ARM64_INS_LDR:
    case ARM64_INS_LDRSW:
      return Shape{Field::kLiteral, Access::kRead, Flow::kNext};
    default:
      return std::nullopt;
  }
}

}  // namespace

Instruction lift_aarch64(csh handle, const cs_insn& insn) {
  const cs_arm64& arm = insn.detail->arm64;
  Instruction out;
  out.at = {insn.address};
  out.size = 4;
  out.padding = insn.id == ARM64_INS_NOP;
  out.writes = written(handle, insn);
  const std::optional<Shape> shape = shape_of(insn);
  // LDR X, [X, #8]! ends in no immediate, LDR X, [X], #8 does, and writes back.
  const auto named = shape && !arm.writeback ? named_address(arm) : std::nullopt;
  if (named) {
    out.flow = shape->flow;
    if (shape->flow != Flow::kNext) out.target = named;
    Reference reference;
    reference.from = out.at;
    reference.to = *named;
    reference.field = shape->field;
    reference.access = shape->access;
    if (shape->access == Access::kRead) reference.size = size_of_access(insn);
    out.reference = reference;
    if (shape->field == Field::kAdrp) out.page_in = number_of(arm.operands[0].reg);
    if (out.page_in == kNoRegister) out.page_in.reset();
  } else {
    out.use = use_of(insn);
  }
  switch (insn.id) {
    case ARM64_INS_BR:
      out.flow = Flow::kIndirectJump;
      break;
    case ARM64_INS_BLR:
      out.flow = Flow::kCall;
      break;
    case ARM64_INS_RET:
    case ARM64_INS_ERET:
    case ARM64_INS_BRK:
    case ARM64_INS_HLT:
      out.flow = Flow::kEnd;
      break;
    default:
      break;
  }
  if (out.flow == Flow::kCall) out.writes |= kClobbered;
  return out;
}

std::optional<Instruction> unknown_aarch64(std::uint32_t word, Address at) {
  Instruction out;
  out.at = at;
  out.size = 4;
  out.writes = ~0U;
  // RETAA, RETAB; BRAA, BRAB and their kin.
  if ((word & 0xFFFFFBFFU) == 0xD65F0BFFU) return out.flow = Flow::kEnd, out;
  if ((word & 0xFEFFF800U) == 0xD61F0800U) return out.flow = Flow::kIndirectJump, out;
  if ((word & 0xFEFFF800U) == 0xD63F0800U) return out.flow = Flow::kCall, out;
  // Arm ARM C4.1: bits 28 to 25 name the group; 0000 (reserved, UDF), 0001 and 0011 have nothing in
  // it that compilers make.
  const unsigned group = (word >> 25) & 15U;
  if (group == 0 || group == 1 || group == 3) return std::nullopt;
  return out;
}

}  // namespace jitcorral::decode
