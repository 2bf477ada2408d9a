// Every x86-64 instruction that refers by a displacement.
#include <gtest/gtest.h>

#include "decode_sample.h"

namespace jitcorral::decode {
namespace {

const Bits kReturn = {0xC3};

Reference only(const Bits& bits, Address base = kBase) {
  const Decoded out = decoded(Isa::kX86_64, bits + kReturn, base);
  EXPECT_EQ(out.references.size(), 1U);
  EXPECT_EQ(out.bytes.undecoded, Bytes{0});
  return out.references.empty() ? Reference{} : out.references[0];
}

TEST(X86Decode, CallsAndJumpsCountFromTheirEnd) {
  EXPECT_EQ(only(Bits{0xE8} + word(0x100)), made(0x7f0000001105, Field::kRel32, Access::kCall));
  EXPECT_EQ(only(Bits{0xE9} + word(0xFFFFFF00)),
            made(0x7f0000000f05, Field::kRel32, Access::kJump));
  EXPECT_EQ(only(Bits{0x0F, 0x84} + word(0x1000)),
            made(0x7f0000002006, Field::kRel32, Access::kJump));
}

TEST(X86Decode, ShortJumpsHaveAReachOfTheirOwn) {
  EXPECT_EQ(only({0x74, 0x01, 0x90}), made(0x7f0000001003, Field::kRel8, Access::kJump));
  EXPECT_EQ(only({0xE2, 0xFE}), made(0x7f0000001000, Field::kRel8, Access::kJump));  // loop
  EXPECT_EQ(reach_of(Field::kRel8), Bytes{128});
  EXPECT_EQ(reach_of(Field::kRel32), gib(2));
}

TEST(X86Decode, RipRelativeOperandsSayWhatIsDoneAndHowMuch) {
  const std::uint64_t to = 0x7f0000001234;
  EXPECT_EQ(only(Bits{0x48, 0x8B, 0x05} + word(0x22D)), made(to, Field::kRip32, Access::kRead, 8));
  EXPECT_EQ(only(Bits{0x89, 0x05} + word(0x22E)), made(to, Field::kRip32, Access::kWrite, 4));
  EXPECT_EQ(only(Bits{0x48, 0x01, 0x05} + word(0x22D)),
            made(to, Field::kRip32, Access::kReadWrite, 8));
  EXPECT_EQ(only(Bits{0x48, 0x8D, 0x05} + word(0x22D)), made(to, Field::kRip32, Access::kAddress));
  EXPECT_EQ(only(Bits{0x0F, 0x29, 0x05} + word(0x22D)),
            made(to, Field::kRip32, Access::kWrite, 16));
  EXPECT_EQ(only(Bits{0x0F, 0x28, 0x05} + word(0x22D)), made(to, Field::kRip32, Access::kRead, 16));
  EXPECT_EQ(only(Bits{0xC5, 0xFC, 0x11, 0x05} + word(0x22C)),
            made(to, Field::kRip32, Access::kWrite, 32));
  EXPECT_EQ(only(Bits{0xF6, 0x05} + word(0x22D) + Bits{2}),
            made(to, Field::kRip32, Access::kRead, 1));
  EXPECT_EQ(only(Bits{0x85, 0x05} + word(0x22E)), made(to, Field::kRip32, Access::kRead, 4));
}

TEST(X86Decode, AnImmediateBehindTheDisplacementCounts) {
  EXPECT_EQ(only(Bits{0x81, 0x3D} + word(0x100) + word(7)),
            made(0x7f000000110A, Field::kRip32, Access::kRead, 4));
}

TEST(X86Decode, IndirectCallsReadTheirPointer) {
  EXPECT_EQ(only(Bits{0xFF, 0x15} + word(0x100)),
            made(0x7f0000001106, Field::kRip32, Access::kRead, 8));
  EXPECT_EQ(only(Bits{0xFF, 0x25} + word(0x100)),
            made(0x7f0000001106, Field::kRip32, Access::kRead, 8));
}

TEST(X86Decode, AbsoluteOperandsAreSignExtended) {
  EXPECT_EQ(only(Bits{0x8B, 0x04, 0x25} + word(0x12345678)),
            made(0x12345678, Field::kAbs32, Access::kRead, 4));
  EXPECT_EQ(only(Bits{0x8B, 0x04, 0x25} + word(0x80000000)),
            made(0xFFFFFFFF80000000, Field::kAbs32, Access::kRead, 4));
}

TEST(X86Decode, WhatIsNoReferenceOfTheCodeIsNone) {
  const Bits none[] = {
      Bits{0x64, 0x48, 0x8B, 0x04, 0x25} + word(0x28),  // fs:[0x28]
      Bits{0x8B, 0x04, 0xC5} + word(0x1000),            // [rax * 8 + 0x1000]
      Bits{0x0F, 0x1F, 0x05} + word(0),                 // nop [rip]
      Bits{0x8B, 0x04, 0x25} + word(0x10),              // [0x10]: a null pointer's
      Bits{0xFF, 0xD0},                                 // call rax
      Bits{0x48, 0xB8} + word(1) + word(2),             // movabs
  };
  for (const Bits& bits : none)
    EXPECT_TRUE(decoded(Isa::kX86_64, Bits{0x55} + bits + kReturn).references.empty())
        << bits.bytes.size();
}

// RuntimeDyldELF.cpp R_X86_64_PC32 without assertions: the low 32 bits of the true distance.
TEST(X86Decode, ATruncatedDisplacementPointsAMultipleOf4GiBAside) {
  const Address meant{0x7f0000001007 + 5 * (1ULL << 30)};
  const Reference found = only(Bits{0x48, 0x8D, 0x05} + word(meant.value - 0x7f0000001007));
  EXPECT_EQ(meant - found.to, gib(4));
}

TEST(X86Decode, TheTextIsTheInstruction) {
  const Bits bits = Bits{0xE8} + word(0x100);
  EXPECT_EQ(instruction_text(code_of(Isa::kX86_64, kBase, bits), kBase), "call 0x7f0000001105");
  EXPECT_EQ(instruction_text(code_of(Isa::kX86_64, kBase, bits), kBase + Bytes{9}), "");
}

}  // namespace
}  // namespace jitcorral::decode
