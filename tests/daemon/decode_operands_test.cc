// What instructions do with registers, and the way back from an address to what made it.
#include <gtest/gtest.h>

#include "decode/operands.h"
#include "decode_sample.h"

namespace jitcorral::decode {
namespace {

constexpr Isa kX86 = Isa::kX86_64, kArm = Isa::kAarch64;

RegisterValues registers(std::initializer_list<std::pair<Register, std::uint64_t>> values) {
  RegisterValues out;
  for (const auto& [n, value] : values) out.general[n] = value;
  return out;
}

std::optional<Address> touched(Isa isa, const Bits& bits, const RegisterValues& values) {
  const auto insn = operands(isa, bits.bytes, kBase);
  if (!insn || insn->memory.empty()) return std::nullopt;
  return insn->memory[0].address(values);
}

TEST(Operands, AddressesAreMadeOfBaseIndexAndDisplacement) {
  const struct {
    const char* what;
    Isa isa;
    Bits bits;
    std::uint64_t address;
  } rows[] = {
      {"mov rax, [rdi]", kX86, {0x48, 0x8b, 0x07}, 0x1000},
      {"mov rax, [rdi + rsi*8 - 16]", kX86, {0x48, 0x8b, 0x44, 0xf7, 0xf0}, 0x1000 + 0x80 - 16},
      {"mov [r12], eax", kX86, {0x41, 0x89, 0x04, 0x24}, 0x5000},
      {"mov rax, fs:[0]", kX86, {0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0}, 0xF000},
      {"mov rax, [rip + 1]", kX86, Bits{0x48, 0x8b, 0x05} + word(1), kBase.value + 8},
      {"call [rax]", kX86, {0xff, 0x10}, 0x7000},
      {"ldr x0, [x7, #16]", kArm, word(0xF94008E0), 0x1010},
      {"ldr x0, [x7, x6, lsl #3]", kArm, word(0xF86678E0), 0x1080},
      {"ldr x0, [x7, w6, sxtw #3]", kArm, word(0xF866D8E0), 0x1080},
      {"ldr x0, [x7], #8", kArm, word(0xF84084E0), 0x1000},
      {"ldr x0, [x7, #8]!", kArm, word(0xF8408CE0), 0x1008},
      {"str w0, [sp, #4]", kArm, word(0xB90007E0), 0x9004},
      {"ldp x0, x1, [x7]", kArm, word(0xA94004E0), 0x1000},
  };
  RegisterValues values =
      registers({{7, 0x1000}, {6, 0x10}, {12, 0x5000}, {0, 0x7000}, {31, 0x9000}});
  values.fs = 0xF000;
  for (const auto& row : rows)
    EXPECT_EQ(touched(row.isa, row.bits, values), Address{row.address}) << row.what;
}

TEST(Operands, LeaTouchesNothing) {
  const auto insn = operands(kX86, (Bits{0x48, 0x8d, 0x05} + word(0)).bytes, kBase);
  ASSERT_TRUE(insn);
  EXPECT_TRUE(insn->memory.empty());
  EXPECT_EQ(insn->makes, Makes::kConstant);
}

Trail trailed(Isa isa, const Bits& bits, std::uint64_t before, Register reg) {
  const Code code = code_of(isa, kBase, bits);
  Disassembler disassembler(isa);
  const FlowMap flow(code, disassembler);
  return trail(code, flow, kBase + Bytes{before}, reg);
}

TEST(Trail, LeadsThroughCopiesAndSumsToTheAddressThatWasMade) {
  // lea rdx, [rip + 0x100]; xor ecx, ecx; mov rsi, rdx; add rsi, 8; mov rax, [rsi]; ret
  const Bits bits = Bits{0x48, 0x8d, 0x15} + word(0x100) +
                    Bits{0x31, 0xc9, 0x48, 0x89, 0xd6, 0x48, 0x83, 0xc6, 0x08} +
                    Bits{0x48, 0x8b, 0x06, 0xc3};
  const Trail found = trailed(kX86, bits, 16, 6);
  EXPECT_EQ(found.end, Trail::End::kConstant);
  ASSERT_EQ(found.steps.size(), 3U);
  EXPECT_EQ(found.steps.back(), kBase);
  EXPECT_EQ(found.constant, kBase + Bytes{0x107});
}

TEST(Trail, LeadsThroughLoadsToAdrp) {
  // adrp x8; ldr x8, [x8, #8]; ldr x0, [x8]; ldr x0, [x0]
  const Bits bits =
      words({adrp(8, kBase, kBase + Bytes{0x5000}), 0xF9400508, 0xF9400100, 0xF9400000, kRet});
  const Trail found = trailed(kArm, bits, 12, 0);
  EXPECT_EQ(found.end, Trail::End::kLoaded);
  EXPECT_EQ(found.loads, 2U);
  EXPECT_EQ(found.constant, kBase + Bytes{0x5000});
}

TEST(Trail, EndsWhereTheValueCameFromElsewhere) {
  // mov rax, [rdi]; ret
  EXPECT_EQ(trailed(kX86, {0x48, 0x8b, 0x07, 0xc3}, 0, 7).end, Trail::End::kBlock);
  // pop rax as arithmetic: imul rdi, rsi; mov rax, [rdi]; ret
  EXPECT_EQ(trailed(kX86, {0x48, 0x0f, 0xaf, 0xfe, 0x48, 0x8b, 0x07, 0xc3}, 4, 7).end,
            Trail::End::kComputed);
  // mov rdi, [rsp + 8]; mov rax, [rdi]; ret
  EXPECT_EQ(trailed(kX86, {0x48, 0x8b, 0x7c, 0x24, 0x08, 0x48, 0x8b, 0x07, 0xc3}, 5, 7).end,
            Trail::End::kStack);
  // call +0x10; mov rax, [rax]; ret
  EXPECT_EQ(trailed(kX86, Bits{0xe8} + word(0x10) + Bits{0x48, 0x8b, 0x00, 0xc3}, 5, 0).end,
            Trail::End::kCall);
}

TEST(Trail, DoesNotCrossWhereControlComesFromElsewhere) {
  // lea rdi, [rip + 0x100]; L: mov rax, [rdi]; dec rcx; jne L; ret
  const Bits bits = Bits{0x48, 0x8d, 0x3d} + word(0x100) +
                    Bits{0x48, 0x8b, 0x07, 0x48, 0xff, 0xc9, 0x75, 0xf8, 0xc3};
  EXPECT_EQ(trailed(kX86, bits, 7, 7).end, Trail::End::kBlock);
}

}  // namespace
}  // namespace jitcorral::decode
