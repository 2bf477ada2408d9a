// What one instruction does with registers: which memory it touches by them, and how it makes a
// register's value. Enough to tell which address an instruction meant, and where that came from.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "decode/flow.h"
#include "decode/reference.h"

namespace jitcorral::decode {

// x86-64 as instructions encode them: rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6, rdi 7, r8 to
// r15; aarch64: x0 to x30, sp 31.
using Register = std::uint8_t;
inline constexpr Register kRegisters = 32;
std::string register_name(Isa isa, Register number);
constexpr Register stack_pointer(Isa isa) {
  return isa == Isa::kX86_64 ? 4 : 31;
}

struct RegisterValues {
  std::array<std::uint64_t, kRegisters> general{};
  std::uint64_t fs = 0, gs = 0;  // x86-64: the segments' bases
};

// base + (index << shift) + displacement.
struct MemoryUse {
  std::optional<Register> base, index;
  bool of_pc = false;        // then `displacement` is the whole address
  std::uint8_t segment = 0;  // 'f', 'g'
  std::uint8_t shift = 0;
  enum class Extend : std::uint8_t { kNone, kSigned32, kUnsigned32 } extend = Extend::kNone;
  std::int64_t displacement = 0;
  Access access = Access::kRead;
  std::uint8_t size = 0;

  Address address(const RegisterValues& registers) const;
};

// How an instruction makes the value of the one register that it is for.
enum class Makes : std::uint8_t {
  kOther,     // by arithmetic that is not followed
  kConstant,  // it holds the value itself: ADRP, ADR, LEA [rip], MOV of an immediate
  kCopy,      // of another register
  kSum,       // of another register and a number
  kLoad,      // from memory
};

struct Operands {
  std::vector<MemoryUse> memory;
  std::uint32_t writes = 0;            // registers, a bit each
  std::optional<Register> into, from;  // of kCopy and kSum
  Makes makes = Makes::kOther;
  std::int64_t value = 0;           // of kConstant; what kSum adds
  std::optional<Register> through;  // an indirect call or jump by a register
  Flow flow = Flow::kNext;
  std::optional<Address> target;  // of a direct one
  std::uint8_t size = 0;
};

// None: the bytes begin with no instruction.
std::optional<Operands> operands(Isa isa, std::span<const std::byte> bytes, Address at);

// From an instruction back through what made a register's value before it, in the same straight
// stretch of code.
struct Trail {
  std::vector<Address> steps;  // the last one that ran first
  // Where it ends.
  enum class End : std::uint8_t {
    kConstant,  // at an instruction that makes an address by itself
    kLoaded,    // the same, and what lay there was loaded
    kStack,     // loaded from the stack
    kCall,      // a call may have made it
    kComputed,  // at arithmetic
    kBlock,     // where the stretch begins: an argument, or made elsewhere
    kCount,
  } end = End::kBlock;
  Register reg = 0;                 // the last that was looked for
  unsigned loads = 0;               // how often memory lay between
  std::optional<Address> constant;  // of kConstant and kLoaded
};
Trail trail(const Code& code, const FlowMap& flow, Address before, Register reg);

}  // namespace jitcorral::decode
