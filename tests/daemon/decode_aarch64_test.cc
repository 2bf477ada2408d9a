// Every aarch64 instruction that refers by a displacement.
#include <gtest/gtest.h>

#include "decode_sample.h"

namespace jitcorral::decode {
namespace {

std::vector<Reference> references(std::initializer_list<std::uint32_t> code) {
  return decoded(Isa::kAarch64, words(code)).references;
}

Reference only(std::uint32_t instruction) {
  const std::vector<Reference> out = references({instruction, kRet});
  EXPECT_EQ(out.size(), 1U);
  return out.empty() ? Reference{} : out[0];
}

constexpr Address kPage{0x7f0000005000};

// A page and what is found of it behind one instruction.
void expect_paired(std::uint32_t use, std::uint64_t offset, Access access, std::uint8_t size) {
  const auto out = references({adrp(0, kBase, kPage), use, kRet});
  ASSERT_EQ(out.size(), 1U) << std::hex << use;
  EXPECT_EQ(out[0].from, kBase);
  EXPECT_EQ(out[0].to, kPage + Bytes{offset}) << std::hex << use;
  EXPECT_EQ(out[0].with, kBase + Bytes{4});
  EXPECT_EQ(out[0].field, Field::kAdrp);
  EXPECT_EQ(out[0].access, access) << std::hex << use;
  EXPECT_EQ(out[0].size, size) << std::hex << use;
  EXPECT_FALSE(out[0].names_page());
}

TEST(Aarch64Decode, BranchesByTheirFields) {
  EXPECT_EQ(only(0x14000010), made(0x7f0000001040, Field::kBranch26, Access::kJump));
  EXPECT_EQ(only(0x97FFFFFF), made(0x7f0000000FFC, Field::kBranch26, Access::kCall));
  EXPECT_EQ(only(0x54000020), made(0x7f0000001004, Field::kBranch19, Access::kJump));  // b.eq
  EXPECT_EQ(only(0xB4000023), made(0x7f0000001004, Field::kBranch19, Access::kJump));  // cbz
  EXPECT_EQ(only(0x35000023), made(0x7f0000001004, Field::kBranch19, Access::kJump));  // cbnz
  EXPECT_EQ(only(0x36200023), made(0x7f0000001004, Field::kBranch14, Access::kJump));  // tbz
  EXPECT_EQ(only(0x37200023), made(0x7f0000001004, Field::kBranch14, Access::kJump));  // tbnz
  EXPECT_EQ(reach_of(Field::kBranch26), mib(128));
  EXPECT_EQ(reach_of(Field::kAdrp), gib(4));
}

TEST(Aarch64Decode, AdrAndLiterals) {
  EXPECT_EQ(only(0x10000043), made(0x7f0000001008, Field::kAdr, Access::kAddress));
  EXPECT_EQ(only(0x58000043), made(0x7f0000001008, Field::kLiteral, Access::kRead, 8));   // ldr x3
  EXPECT_EQ(only(0x18000043), made(0x7f0000001008, Field::kLiteral, Access::kRead, 4));   // ldr w3
  EXPECT_EQ(only(0x98000043), made(0x7f0000001008, Field::kLiteral, Access::kRead, 4));   // ldrsw
  EXPECT_EQ(only(0x9C000043), made(0x7f0000001008, Field::kLiteral, Access::kRead, 16));  // ldr q3
}

TEST(Aarch64Decode, APageWithWhatAddsItsLowBits) {
  expect_paired(0x91004000, 0x10, Access::kAddress, 0);  // add x0, x0, #0x10
  expect_paired(0xF9400C01, 0x18, Access::kRead, 8);     // ldr x1, [x0, #0x18]
  expect_paired(0xB9401801, 0x18, Access::kRead, 4);     // ldr w1
  expect_paired(0x39406001, 0x18, Access::kRead, 1);     // ldrb w1
  expect_paired(0x79400409, 0x02, Access::kRead, 2);     // ldrh w9
  expect_paired(0x3DC00801, 0x20, Access::kRead, 16);    // ldr q1
  expect_paired(0xFD001001, 0x20, Access::kWrite, 8);    // str d1
  expect_paired(0xB9001801, 0x18, Access::kWrite, 4);    // str w1
  expect_paired(0xA9420801, 0x20, Access::kRead, 16);    // ldp x1, x2
}

TEST(Aarch64Decode, OnePageServesManyUses) {
  const auto out = references({adrp(8, kBase, kPage), 0xF9400101, 0xF9400502, 0xF9000903, kRet});
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[0].to, kPage);
  EXPECT_EQ(out[1].to, kPage + Bytes{8});
  EXPECT_EQ(out[2].to, kPage + Bytes{16});
  EXPECT_EQ(out[2].access, Access::kWrite);
}

TEST(Aarch64Decode, AnOverwrittenRegisterIsNoPageAnyMore) {
  // adrp x0; mov x0, x1; ldr x1, [x0, #0x18]
  const auto out = references({adrp(0, kBase, kPage), 0xAA0103E0, 0xF9400C01, kRet});
  ASSERT_EQ(out.size(), 1U);
  EXPECT_TRUE(out[0].names_page());
  EXPECT_EQ(out[0].to, kPage);
}

TEST(Aarch64Decode, ACallOverwritesWhatItMay) {
  // bl; then x0 is lost, x19 is kept
  const auto out = references({adrp(0, kBase, kPage), adrp(19, kBase + Bytes{4}, kPage),
                               bl(kBase + Bytes{8}, kBase), 0xF9400C01, 0xF9400E61, kRet});
  ASSERT_EQ(out.size(), 3U);
  EXPECT_TRUE(out[0].names_page());
  EXPECT_EQ(out[1].to, kPage + Bytes{0x18});
  EXPECT_EQ(out[2].field, Field::kBranch26);
}

TEST(Aarch64Decode, WhereControlMayComeFromElsewhereNothingIsKnown) {
  // cbz x1, +12; adrp x0; nop; here: ldr x1, [x0, #0x18]
  const auto out =
      references({0xB4000061, adrp(0, kBase + Bytes{4}, kPage), kNop, 0xF9400C01, kRet});
  ASSERT_EQ(out.size(), 2U);
  EXPECT_TRUE(out[1].names_page());
}

TEST(Aarch64Decode, AddShiftedBy12IsNoLowBits) {
  const auto out = references({adrp(0, kBase, kPage), 0x91400400, kRet});
  ASSERT_EQ(out.size(), 1U);
  EXPECT_TRUE(out[0].names_page());
}

// RuntimeDyldELF.cpp R_AARCH64_ADR_PREL_PG_HI21 without assertions: bits 32 to 12 of the true
// distance, so that the page is a multiple of 8 GiB aside.
TEST(Aarch64Decode, ATruncatedPagePointsAMultipleOf8GiBAside) {
  for (const std::uint64_t distance : {5ULL << 30, 12ULL << 30, 40ULL << 30}) {
    const Address meant{kPage.value + distance};
    const auto out = references({adrp(0, kBase, meant), 0xF9400C01, kRet});
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ((meant + Bytes{0x18} - out[0].to).count % (1ULL << 33), 0U);
    EXPECT_NE(meant + Bytes{0x18}, out[0].to);
  }
}

// compiled_blob.rs Arm64Call before 0.128 takes 128 to 256 MiB for reachable.
TEST(Aarch64Decode, ATruncatedBranchPoints256MiBAside) {
  const Address meant{kBase.value + (200ULL << 20)};
  const Reference out = only(bl(kBase, meant));
  EXPECT_EQ(meant - out.to, mib(256));
}

TEST(Aarch64Decode, InstructionsOfLaterExtensionsDoNotStopIt) {
  // ldadd x1, x2, [x3]; ptrue p0.b; retaa
  const auto out = references({adrp(0, kBase, kPage), 0xF8210062, 0x2518E3E0, 0xD65F0BFF});
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].strength, Strength::kFlow);
}

}  // namespace
}  // namespace jitcorral::decode
