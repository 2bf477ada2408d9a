#include "decode/disassembler.h"

#include <cstring>
#include <stdexcept>

#include "decode/lift.h"

namespace jitcorral::decode {

struct Disassembler::Engine {
  csh handle = 0;
  cs_insn* insn = nullptr;

  explicit Engine(Isa isa) {
    const bool x86 = isa == Isa::kX86_64;
    if (cs_open(x86 ? CS_ARCH_X86 : CS_ARCH_ARM64, x86 ? CS_MODE_64 : CS_MODE_LITTLE_ENDIAN,
                &handle) != CS_ERR_OK)
      throw std::runtime_error("Capstone cannot decode this instruction set");
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    insn = cs_malloc(handle);
    if (insn == nullptr) {
      cs_close(&handle);
      throw std::bad_alloc();
    }
  }
  ~Engine() {
    cs_free(insn, 1);
    cs_close(&handle);
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  bool decode(std::span<const std::byte> bytes, Address address) {
    const auto* code = reinterpret_cast<const std::uint8_t*>(bytes.data());
    // No instruction is longer; Capstone need not see more.
    std::size_t size = bytes.size() < 16 ? bytes.size() : 16;
    std::uint64_t at = address.value;
    return cs_disasm_iter(handle, &code, &size, &at, insn);
  }
};

Disassembler::Disassembler(Isa isa) : isa_(isa), engine_(std::make_unique<Engine>(isa)) {}
Disassembler::~Disassembler() = default;

std::optional<Instruction> Disassembler::at(std::span<const std::byte> bytes, Address address) {
  const bool x86 = isa_ == Isa::kX86_64;
  if (bytes.empty() || (!x86 && bytes.size() < 4)) return std::nullopt;
  // ADD [RAX], AL: nobody's code, but what unwritten memory reads as.
  if (x86 && bytes.size() >= 2 && bytes[0] == std::byte{0} && bytes[1] == std::byte{0})
    return std::nullopt;
  if (engine_->decode(bytes, address))
    return x86 ? lift_x86_64(*engine_->insn) : lift_aarch64(engine_->handle, *engine_->insn);
  if (x86) return std::nullopt;
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data(), sizeof word);
  return unknown_aarch64(word, address);
}

std::string Disassembler::text(std::span<const std::byte> bytes, Address address) {
  if (bytes.empty() || !engine_->decode(bytes, address)) return {};
  std::string text = engine_->insn->mnemonic;
  if (engine_->insn->op_str[0] != '\0') text.append(" ").append(engine_->insn->op_str);
  return text;
}

}  // namespace jitcorral::decode
