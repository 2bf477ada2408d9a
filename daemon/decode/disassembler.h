// One instruction at a time: Capstone behind the few facts that flow and references need. All that
// is known of Capstone is in this room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "decode/reference.h"

namespace jitcorral::decode {

// Where control goes behind an instruction.
enum class Flow : std::uint8_t {
  kNext,
  kCall,          // and back, as a rule
  kBranch,        // to the target, or on
  kJump,          // to the target
  kIndirectJump,  // somewhere
  kEnd,           // RET, UD2, INT3, BRK: not on
};

// aarch64: memory or an address, `offset` bytes behind what a register holds.
struct BaseUse {
  std::uint8_t base = 0;  // x0 to x30
  Bytes offset{};
  Access access = Access::kAddress;
  std::uint8_t size = 0;
};

struct Instruction {
  Address at;
  std::uint8_t size = 0;
  Flow flow = Flow::kNext;
  bool padding = false;                // NOP, INT3: what lies between functions
  std::optional<Address> target;       // of a direct call, branch or jump
  std::optional<Reference> reference;  // of ADRP: the page
  // aarch64 only.
  std::optional<std::uint8_t> page_in;  // ADRP: the register
  std::optional<BaseUse> use;
  std::uint32_t writes = 0;  // x0 to x30, a bit each
};

class Disassembler {
 public:
  explicit Disassembler(Isa isa);
  ~Disassembler();
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;

  // The instruction that `bytes` begin with; none: it is none, or it is cut off.
  std::optional<Instruction> at(std::span<const std::byte> bytes, Address address);
  // The same as assembly, "adrp x8, #0x7f0000001000"; empty: none.
  std::string text(std::span<const std::byte> bytes, Address address);
  Isa isa() const { return isa_; }

 private:
  struct Engine;  // Capstone's
  Isa isa_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace jitcorral::decode
