// What is believed to be code: data between functions, padding, alignment, what runs into nothing.
#include <gtest/gtest.h>

#include "decode_sample.h"

namespace jitcorral::decode {
namespace {

const Bits kLoad = Bits{0x48, 0x8B, 0x05} + word(0x1000);  // mov rax, [rip + 0x1000]

std::size_t strong(const Decoded& out) {
  std::size_t n = 0;
  for (const Reference& r : out.references) n += r.strength != Strength::kSwept;
  return n;
}

TEST(DecodeFlow, FunctionsBehindPaddingAreFound) {
  Bits bits = kLoad + Bits{0xC3};
  bits.fill(16, 0x90);
  bits += kLoad + Bits{0xC3};
  bits.fill(32, 0xCC);
  bits += kLoad + Bits{0xC3};
  bits.fill(4096, 0);
  const Decoded out = decoded(Isa::kX86_64, bits);
  EXPECT_EQ(out.references.size(), 3U);
  EXPECT_EQ(strong(out), 3U);
  EXPECT_EQ(out.bytes.flowed, Bytes{24});
  EXPECT_EQ(out.bytes.padding, Bytes{4096 - 24});
  EXPECT_EQ(out.bytes.undecoded, Bytes{0});
}

TEST(DecodeFlow, BytesThatDoNotDecodeAreSaidAndTheNextFunctionIsFound) {
  Bits bits = {0x06, 0x07, 0x0E, 0x16};  // nothing in 64-bit mode
  bits.fill(16, 0xCC);
  bits += kLoad + Bits{0xC3};
  const Decoded out = decoded(Isa::kX86_64, bits);
  EXPECT_EQ(out.bytes.undecoded, Bytes{4});
  ASSERT_EQ(out.references.size(), 1U);
  EXPECT_EQ(strong(out), 1U);
}

TEST(DecodeFlow, AFunctionThatRunsIntoNothingIsNotBelieved) {
  const Bits bits = kLoad + Bits{0x06, 0x06, 0x06};
  const Decoded out = decoded(Isa::kX86_64, bits);
  ASSERT_EQ(out.references.size(), 1U);
  EXPECT_EQ(out.references[0].strength, Strength::kSwept);
}

TEST(DecodeFlow, BehindACallThatNeverReturnsAnythingMayStand) {
  Bits bits = kLoad + Bits{0xE8} + word(0x1000);
  bits.fill(4096, 0);
  const Decoded out = decoded(Isa::kX86_64, bits);
  EXPECT_EQ(strong(out), 2U);
}

// Cranelift keeps its constants and jump tables between its functions.
TEST(DecodeFlow, WhatAFunctionReadsIsDataAndNoCode) {
  Bits bits = Bits{0x48, 0x8B, 0x05} + word(9) + Bits{0xC3};  // mov rax, [rip + 9]: at 16
  bits.fill(16, 0x90);
  // A constant that would decode as a call and a return.
  bits += Bits{0xE8} + word(0x100) + Bits{0xC3, 0x90, 0x90};
  bits.fill(32, 0x90);
  bits += kLoad + Bits{0xC3};
  const Decoded out = decoded(Isa::kX86_64, bits);
  ASSERT_EQ(out.references.size(), 2U);
  EXPECT_EQ(out.references[0].access, Access::kRead);
  EXPECT_EQ(out.references[1].from, kBase + Bytes{32});
  EXPECT_EQ(out.bytes.data, Bytes{8});
}

TEST(DecodeFlow, AFunctionInTheMiddleOfWhatIsSweptIsFoundByItsCall) {
  // call +4 (to 9); 4 bytes that swallow what follows; at 9: mov rax, [rip + ...]; ret
  const Bits bits = Bits{0xE8} + word(5) + Bits{0xC3, 0x48, 0xB8, 0x11, 0x22} + kLoad + Bits{0xC3};
  const Decoded out = decoded(Isa::kX86_64, bits);
  EXPECT_EQ(strong(out), 2U);
}

TEST(DecodeFlow, KnownFunctionsAreMostCertain) {
  const Bits bits = Bits{0x06, 0x06} + kLoad + Bits{0xC3};
  const Address functions[] = {kBase + Bytes{2}, kBase + Bytes{999}};
  const Decoded out = decode({Isa::kX86_64, kBase, bits.bytes, functions});
  ASSERT_EQ(out.references.size(), 1U);
  EXPECT_EQ(out.references[0].strength, Strength::kKnown);
}

TEST(DecodeFlow, LiteralPoolsAreNoCode) {
  // ldr x16, +8; br x16; .quad that would be BL; then a function
  const Decoded out = decoded(
      Isa::kAarch64, words({0x58000050, 0xD61F0200, 0x94001234, 0x00007F00, 0x94000010, kRet}));
  ASSERT_EQ(out.references.size(), 2U);
  EXPECT_EQ(out.references[0].field, Field::kLiteral);
  EXPECT_EQ(out.references[1].from, kBase + Bytes{16});
  EXPECT_EQ(out.bytes.data, Bytes{8});
}

// LuaJIT's memory begins with a header, then stubs, then traces, none of it aligned.
TEST(DecodeFlow, BehindManyInstructionsInAStepEndsAreBelieved) {
  Bits bits = {0x06, 0x01, 0x02};
  for (int i = 0; i < 20; ++i)
    bits += {0x6A, i, 0x0F, 0x1F, 0x00, 0xEB, 0x00};  // push; nop; jmp +0
  bits += {0x58, 0xEB, 0x00};
  bits += kLoad + Bits{0xC3};
  const Decoded out = decoded(Isa::kX86_64, bits);
  ASSERT_FALSE(out.references.empty());
  EXPECT_EQ(out.references.back().field, Field::kRip32);
  EXPECT_EQ(out.references.back().strength, Strength::kFlow);
}

// libffi's closures: a trampoline, then the pointers that it reads, in one page.
TEST(DecodeFlow, PointersBetweenTrampolinesAreNoCode) {
  Bits bits;
  for (int i = 0; i < 4; ++i) {
    bits += Bits{0xF3, 0x0F, 0x1E, 0xFA};               // endbr64
    bits += Bits{0x4C, 0x8D, 0x15} + word(0xFFFFFFF5);  // lea r10, [rip - 11]
    bits += Bits{0xFF, 0x25} + word(7);                 // jmp [rip + 7]
    bits.fill(bits.bytes.size() + 7, 0);
    bits += word(0x214a6468) + word(0x7F70);  // that pointer, and two more
    bits += word(0xEC526070) + word(0x7F2E) + word(0xE8705E21) + word(0x7F70);
    bits.fill((bits.bytes.size() + 15) / 16 * 16, 0);
  }
  const Decoded out = decoded(Isa::kX86_64, bits);
  EXPECT_EQ(out.references.size(), 8U);
  EXPECT_EQ(strong(out), 8U);
  EXPECT_EQ(out.bytes.swept + out.bytes.undecoded, Bytes{0});
}

TEST(DecodeFlow, NothingIsReadBehindTheLastByte) {
  for (std::size_t cut = 0; cut < kLoad.bytes.size(); ++cut) {
    Bits bits = kLoad;
    bits.bytes.resize(cut);
    EXPECT_TRUE(decoded(Isa::kX86_64, bits).references.empty());
    EXPECT_TRUE(decoded(Isa::kAarch64, bits).references.empty());
  }
}

// A million bytes that make every trial fail late would take hours if each were tried anew.
TEST(DecodeFlow, HostileBytesTakeBoundedTime) {
  Bits bits;
  for (std::size_t i = 0; i < 1 << 14; ++i) bits += {0x90, 0x75, 0x7E, 0xC3};  // jne +0x7e; ret
  bits += {0x06};
  const Decoded out = decoded(Isa::kX86_64, bits);
  const FlowMap::Counts& n = out.bytes;
  EXPECT_EQ(n.flowed + n.data + n.padding + n.swept + n.undecoded, Bytes{bits.bytes.size()});
}

}  // namespace
}  // namespace jitcorral::decode
