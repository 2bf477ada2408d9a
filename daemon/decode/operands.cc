#include "decode/operands.h"

#include <capstone.h>

#include <algorithm>
#include <bit>
#include <string_view>

#include "decode/lift.h"

namespace jitcorral::decode {
namespace {

constexpr std::optional<Register> x86_number(unsigned reg) {
  constexpr unsigned kBy64[] = {X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX,
                                X86_REG_RSP, X86_REG_RBP, X86_REG_RSI, X86_REG_RDI,
                                X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
                                X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15};
  constexpr unsigned kBy32[] = {X86_REG_EAX,  X86_REG_ECX,  X86_REG_EDX,  X86_REG_EBX,
                                X86_REG_ESP,  X86_REG_EBP,  X86_REG_ESI,  X86_REG_EDI,
                                X86_REG_R8D,  X86_REG_R9D,  X86_REG_R10D, X86_REG_R11D,
                                X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D};
  for (Register n = 0; n < 16; ++n)
    if (reg == kBy64[n] || reg == kBy32[n]) return n;
  return std::nullopt;
}

constexpr std::optional<Register> arm_number(unsigned reg) {
  if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28) return static_cast<Register>(reg - ARM64_REG_X0);
  if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30) return static_cast<Register>(reg - ARM64_REG_W0);
  if (reg == ARM64_REG_X29) return Register{29};
  if (reg == ARM64_REG_X30) return Register{30};
  if (reg == ARM64_REG_SP) return Register{31};
  return std::nullopt;
}

class Engine {
 public:
  explicit Engine(Isa isa) {
    const bool x86 = isa == Isa::kX86_64;
    if (cs_open(x86 ? CS_ARCH_X86 : CS_ARCH_ARM64, x86 ? CS_MODE_64 : CS_MODE_LITTLE_ENDIAN,
                &handle_) != CS_ERR_OK)
      return;
    cs_option(handle_, CS_OPT_DETAIL, CS_OPT_ON);
    insn_ = cs_malloc(handle_);
  }
  ~Engine() {
    if (insn_ != nullptr) cs_free(insn_, 1);
    if (handle_ != 0) cs_close(&handle_);
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const cs_insn* at(std::span<const std::byte> bytes, Address address) {
    const auto* code = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t size = std::min<std::size_t>(bytes.size(), 16);
    std::uint64_t where = address.value;
    return insn_ != nullptr && cs_disasm_iter(handle_, &code, &size, &where, insn_) ? insn_
                                                                                    : nullptr;
  }
  template <typename Number>
  std::uint32_t written(const cs_insn& insn, Number number) const {
    cs_regs read{}, write{};
    std::uint8_t reads = 0, writes = 0;
    if (cs_regs_access(handle_, &insn, read, &reads, write, &writes) != CS_ERR_OK) return ~0U;
    std::uint32_t mask = 0;
    for (unsigned i = 0; i < writes; ++i)
      if (const auto n = number(write[i])) mask |= 1U << *n;
    return mask;
  }

  csh handle() const { return handle_; }

 private:
  csh handle_ = 0;
  cs_insn* insn_ = nullptr;
};

Access access_of(const cs_x86_op& operand) {
  const bool reads = (operand.access & CS_AC_READ) != 0,
             writes = (operand.access & CS_AC_WRITE) != 0;
  return reads && writes ? Access::kReadWrite : writes ? Access::kWrite : Access::kRead;
}

MemoryUse x86_memory(const cs_insn& insn, const cs_x86_op& operand) {
  const x86_op_mem& mem = operand.mem;
  MemoryUse use;
  use.of_pc = mem.base == X86_REG_RIP;
  use.displacement = mem.disp;
  if (use.of_pc)
    use.displacement =
        static_cast<std::int64_t>(insn.address + insn.size + static_cast<std::uint64_t>(mem.disp));
  use.base = x86_number(mem.base);
  use.index = x86_number(mem.index);
  use.shift =
      static_cast<std::uint8_t>(std::countr_zero(static_cast<unsigned>(std::max(mem.scale, 1))));
  if (mem.segment == X86_REG_FS) use.segment = 'f';
  if (mem.segment == X86_REG_GS) use.segment = 'g';
  use.access = access_of(operand);
  use.size = operand.size;
  return use;
}

void make_x86(const cs_insn& insn, const cs_x86& x86, Operands& out) {
  if (x86.op_count < 2 || x86.operands[0].type != X86_OP_REG) return;
  const auto into = x86_number(x86.operands[0].reg);
  if (!into || x86.operands[0].size < 4) return;
  out.into = into;
  const cs_x86_op& second = x86.operands[1];
  switch (insn.id) {
    case X86_INS_LEA: {
      const MemoryUse use = x86_memory(insn, second);
      out.memory.clear();  // it touches nothing
      if (use.of_pc) {
        out.makes = Makes::kConstant;
        out.value = use.displacement;
      } else if (use.base) {
        out.makes = Makes::kSum;
        out.from = use.base;
        out.value = use.displacement;
      }
      break;
    }
    case X86_INS_MOV:
    case X86_INS_MOVABS:
    case X86_INS_MOVSXD:
      if (second.type == X86_OP_IMM) {
        out.makes = Makes::kConstant;
        out.value = second.imm;
      } else if (second.type == X86_OP_REG) {
        out.from = x86_number(second.reg);
        if (out.from) out.makes = Makes::kCopy;
      } else if (second.type == X86_OP_MEM) {
        out.makes = Makes::kLoad;
      }
      break;
    case X86_INS_ADD:
    case X86_INS_SUB:
      if (second.type == X86_OP_IMM) {
        out.makes = Makes::kSum;
        out.from = into;
        out.value = insn.id == X86_INS_ADD ? second.imm : -second.imm;
      }
      break;
    default:
      break;
  }
}

Operands of_x86(const Engine& engine, const cs_insn& insn) {
  const cs_x86& x86 = insn.detail->x86;
  const Instruction lifted = lift_x86_64(insn);
  Operands out;
  out.flow = lifted.flow;
  out.target = lifted.target;
  out.size = lifted.size;
  out.writes = engine.written(insn, x86_number);
  // System V: what a call may change.
  if (out.flow == Flow::kCall) out.writes |= 1U << 0 | 1U << 1 | 1U << 2 | 0xFC0U;
  for (unsigned i = 0; i < x86.op_count; ++i)
    if (x86.operands[i].type == X86_OP_MEM && insn.id != X86_INS_NOP)
      out.memory.push_back(x86_memory(insn, x86.operands[i]));
  make_x86(insn, x86, out);
  const bool leaves = out.flow == Flow::kCall || out.flow == Flow::kIndirectJump;
  if (leaves && x86.op_count == 1 && x86.operands[0].type == X86_OP_REG)
    out.through = x86_number(x86.operands[0].reg);
  return out;
}

MemoryUse arm_memory(const cs_insn& insn, const cs_arm64& arm, const cs_arm64_op& operand) {
  MemoryUse use;
  use.base = arm_number(operand.mem.base);
  use.index = arm_number(operand.mem.index);
  use.displacement = operand.mem.disp;
  if (use.index) {
    use.shift = static_cast<std::uint8_t>(operand.shift.value & 63U);
    if (operand.ext == ARM64_EXT_SXTW) use.extend = MemoryUse::Extend::kSigned32;
    if (operand.ext == ARM64_EXT_UXTW) use.extend = MemoryUse::Extend::kUnsigned32;
  }
  // LDR X0, [X1], #8 touches what X1 held.
  if (arm.writeback && &operand != &arm.operands[arm.op_count - 1]) use.displacement = 0;
  use.access = std::string_view(insn.mnemonic).starts_with("st") ? Access::kWrite : Access::kRead;
  return use;
}

void make_aarch64(const cs_insn& insn, const cs_arm64& arm, Operands& out) {
  if (arm.op_count < 2 || arm.operands[0].type != ARM64_OP_REG) return;
  const auto into = arm_number(arm.operands[0].reg);
  if (!into) return;
  const cs_arm64_op& second = arm.operands[1];
  switch (insn.id) {
    case ARM64_INS_ADRP:
    case ARM64_INS_ADR:
    case ARM64_INS_MOVZ:
      out.into = into;
      out.makes = Makes::kConstant;
      out.value = second.imm;
      break;
    case ARM64_INS_MOV:
      out.into = into;
      if (second.type == ARM64_OP_IMM) {
        out.makes = Makes::kConstant;
        out.value = second.imm;
      } else if (second.type == ARM64_OP_REG && (out.from = arm_number(second.reg))) {
        out.makes = Makes::kCopy;
      }
      break;
    case ARM64_INS_ADD:
    case ARM64_INS_SUB:
      out.into = into;
      out.from = arm_number(second.reg);
      if (!out.from || arm.op_count < 3) break;
      // An index that is added leads no farther than the base does.
      out.makes = arm.operands[2].type == ARM64_OP_IMM || insn.id == ARM64_INS_ADD ? Makes::kSum
                                                                                   : Makes::kOther;
      if (arm.operands[2].type == ARM64_OP_IMM)
        out.value = insn.id == ARM64_INS_ADD ? arm.operands[2].imm : -arm.operands[2].imm;
      break;
    default:
      if (std::string_view(insn.mnemonic).starts_with("ld")) {
        out.into = into;
        out.makes = Makes::kLoad;
      }
      break;
  }
}

Operands of_aarch64(const Engine& engine, const cs_insn& insn) {
  const cs_arm64& arm = insn.detail->arm64;
  const Instruction lifted = lift_aarch64(engine.handle(), insn);
  Operands out;
  out.flow = lifted.flow;
  out.target = lifted.target;
  out.size = lifted.size;
  out.writes = engine.written(insn, arm_number) | lifted.writes;
  for (unsigned i = 0; i < arm.op_count; ++i)
    if (arm.operands[i].type == ARM64_OP_MEM)
      out.memory.push_back(arm_memory(insn, arm, arm.operands[i]));
  if (lifted.reference && lifted.reference->field == Field::kLiteral) {
    MemoryUse use;
    use.of_pc = true;
    use.displacement = static_cast<std::int64_t>(lifted.reference->to.value);
    use.size = lifted.reference->size;
    out.memory.push_back(use);
  }
  if (lifted.use && !out.memory.empty()) out.memory[0].size = lifted.use->size;
  make_aarch64(insn, arm, out);
  const bool leaves = out.flow == Flow::kCall || out.flow == Flow::kIndirectJump;
  if (leaves && arm.op_count > 0 && arm.operands[0].type == ARM64_OP_REG)
    out.through = arm_number(arm.operands[0].reg);
  return out;
}

std::optional<Operands> read(Engine& engine, Isa isa, std::span<const std::byte> bytes,
                             Address at) {
  const cs_insn* const insn = engine.at(bytes, at);
  if (insn == nullptr) return std::nullopt;
  return isa == Isa::kX86_64 ? of_x86(engine, *insn) : of_aarch64(engine, *insn);
}

// The straight stretch of instructions that ends before `before`, the last one first.
std::vector<Address> stretch(const Code& code, const FlowMap& flow, Address before) {
  constexpr std::size_t kMost = 256;
  constexpr std::size_t kLongest = 15;
  std::vector<Address> out;
  std::size_t at = (before - code.base).count;
  if (at < code.bytes.size() && flow.is_target(at)) return out;
  while (at > 0 && out.size() < kMost) {
    std::size_t back = 1;
    while (back <= kLongest && back <= at && !flow.begins(at - back)) ++back;
    if (back > kLongest || back > at) break;
    at -= back;
    out.push_back(code.base + Bytes{at});
    if (flow.is_target(at)) break;
  }
  return out;
}

}  // namespace

std::string register_name(Isa isa, Register number) {
  if (isa == Isa::kAarch64) return number == 31 ? "sp" : "x" + std::to_string(number);
  constexpr const char* kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"};
  return number < 8 ? kNames[number] : "r" + std::to_string(number);
}

Address MemoryUse::address(const RegisterValues& registers) const {
  std::uint64_t sum = static_cast<std::uint64_t>(displacement);
  if (of_pc) return {sum};
  if (base) sum += registers.general[*base];
  if (index) {
    std::uint64_t value = registers.general[*index];
    if (extend == Extend::kSigned32)
      value = static_cast<std::uint64_t>(
          static_cast<std::int64_t>(static_cast<std::int32_t>(static_cast<std::uint32_t>(value))));
    if (extend == Extend::kUnsigned32) value &= 0xFFFFFFFFU;
    sum += value << shift;
  }
  if (segment == 'f') sum += registers.fs;
  if (segment == 'g') sum += registers.gs;
  return {sum};
}

std::optional<Operands> operands(Isa isa, std::span<const std::byte> bytes, Address at) {
  Engine engine(isa);
  return read(engine, isa, bytes, at);
}

Trail trail(const Code& code, const FlowMap& flow, Address before, Register reg) {
  Trail out;
  out.reg = reg;
  Engine engine(code.isa);
  const auto end_with = [&](Trail::End end) {
    out.end = end;
    return out;
  };
  for (const Address at : stretch(code, flow, before)) {
    const auto insn = read(engine, code.isa, code.bytes.subspan((at - code.base).count), at);
    if (!insn) return end_with(Trail::End::kComputed);
    if ((insn->writes >> out.reg & 1U) == 0) continue;
    out.steps.push_back(at);
    if (insn->flow == Flow::kCall) return end_with(Trail::End::kCall);
    if (insn->into != out.reg) return end_with(Trail::End::kComputed);
    switch (insn->makes) {
      case Makes::kConstant:
        out.constant = Address{static_cast<std::uint64_t>(insn->value)};
        return end_with(out.loads > 0 ? Trail::End::kLoaded : Trail::End::kConstant);
      case Makes::kCopy:
      case Makes::kSum:
        out.reg = *insn->from;
        break;
      case Makes::kLoad: {
        if (insn->memory.empty()) return end_with(Trail::End::kComputed);
        const MemoryUse& use = insn->memory[0];
        ++out.loads;
        if (use.of_pc) {
          out.constant = use.address({});
          return end_with(Trail::End::kLoaded);
        }
        if (!use.base) return end_with(Trail::End::kComputed);
        const bool frame = *use.base == (code.isa == Isa::kX86_64 ? 5 : 29);
        if (*use.base == stack_pointer(code.isa) || frame) return end_with(Trail::End::kStack);
        out.reg = *use.base;
        break;
      }
      case Makes::kOther:
        return end_with(Trail::End::kComputed);
    }
  }
  return out;
}

}  // namespace jitcorral::decode
