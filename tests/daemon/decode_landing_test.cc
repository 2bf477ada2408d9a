// What lies where references point, and what was meant by those that miss.
#include <gtest/gtest.h>

#include "decode/landing.h"

namespace jitcorral::decode {
namespace {

constexpr std::uint64_t kCodeAt = 0x7f4000000000;

Place place(std::uint64_t begin, std::uint64_t size, const char* permissions,
            Owner owner = Owner::kOther, std::int32_t engine = -1) {
  Place out;
  out.range = range_of({begin}, {size});
  out.readable = permissions[0] == 'r';
  out.writable = permissions[1] == 'w';
  out.executable = permissions[2] == 'x';
  out.owner = owner;
  out.engine = engine;
  return out;
}

const Place kCode = place(kCodeAt, 0x1000, "r-x", Owner::kEngine, 0);

Reference reference(Field field, std::uint64_t to, Access access, std::uint8_t size = 0) {
  Reference out;
  out.from = {kCodeAt};
  out.to = {to};
  out.field = field;
  out.access = access;
  out.size = size;
  out.strength = Strength::kFlow;
  if (field == Field::kAdrp) out.with = Address{kCodeAt + 4};
  return out;
}

Landed landed(const Reference& of, std::vector<Place> more) {
  more.push_back(kCode);
  return land(of, kCode, Places(std::move(more)));
}

constexpr std::uint64_t kNear = kCodeAt + (1ULL << 30);

TEST(Landing, EachAccessHasPermissionsOfItsOwn) {
  const struct {
    Access access;
    const char* permissions;
    Landing expected;
  } rows[] = {
      {Access::kCall, "r-x", Landing::kExpected},
      {Access::kCall, "rw-", Landing::kWrongKind},
      {Access::kJump, "--x", Landing::kExpected},
      {Access::kJump, "r--", Landing::kWrongKind},
      {Access::kRead, "r--", Landing::kExpected},
      {Access::kRead, "---", Landing::kWrongKind},
      {Access::kWrite, "rw-", Landing::kExpected},
      {Access::kWrite, "r-x", Landing::kWrongKind},
      {Access::kAddress, "r--", Landing::kExpected},
      {Access::kAddress, "---", Landing::kWrongKind},
      {Access::kReadWrite, "rw-", Landing::kExpected},
      {Access::kReadWrite, "r--", Landing::kWrongKind},
  };
  for (const auto& row : rows) {
    // Far from the code: an address beside an engine's memory is always expected.
    const Landed out = landed(reference(Field::kRip32, kNear, row.access, 4),
                              {place(kNear, 0x1000, row.permissions)});
    EXPECT_EQ(out.landing, row.expected) << row.permissions << static_cast<int>(row.access);
  }
}

TEST(Landing, AllBytesOfAnAccessHaveToBeThere) {
  const std::vector<Place> one = {place(kNear, 0x1000, "rw-")};
  const Reference last = reference(Field::kRip32, kNear + 0xFFC, Access::kRead, 4);
  const Reference over = reference(Field::kRip32, kNear + 0xFFC, Access::kRead, 8);
  EXPECT_EQ(landed(last, one).landing, Landing::kExpected);
  EXPECT_EQ(landed(over, one).landing, Landing::kWrongKind);
  EXPECT_EQ(landed(over, {one[0], place(kNear + 0x1000, 0x1000, "r--")}).landing,
            Landing::kExpected);
}

TEST(Landing, WhatTheLinkerMadeReadOnlyWasWrittenBefore) {
  const Reference store = reference(Field::kRip32, kNear, Access::kWrite, 4);
  EXPECT_EQ(landed(store, {place(kNear, 0x1000, "r--", Owner::kFile)}).landing, Landing::kExpected);
  EXPECT_EQ(landed(store, {place(kNear, 0x1000, "r--", Owner::kEngine)}).landing,
            Landing::kWrongKind);
  EXPECT_EQ(landed(store, {place(kNear, 0x1000, "r-x", Owner::kFile)}).landing,
            Landing::kWrongKind);
}

TEST(Landing, AnAddressMayLieBesideWhatItIsOf) {
  const std::vector<Place> data = {place(kNear, 0x1000, "rw-", Owner::kEngine, 0)};
  EXPECT_EQ(landed(reference(Field::kRip32, kNear + 0x1000, Access::kAddress), data).landing,
            Landing::kExpected);
  EXPECT_EQ(landed(reference(Field::kRip32, kNear + 0x1000, Access::kRead, 4), data).landing,
            Landing::kNowhere);
  EXPECT_EQ(landed(reference(Field::kRip32, kNear + 0x100000, Access::kAddress), data).landing,
            Landing::kNowhere);
}

struct Cut {
  Field field;
  Access access;
  unsigned bits;
};
constexpr Cut kCuts[] = {{Field::kBranch26, Access::kCall, 28},
                         {Field::kRel32, Access::kCall, 32},
                         {Field::kRip32, Access::kRead, 32},
                         {Field::kAdrp, Access::kRead, 33}};

TEST(Landing, WhatWasCutOffIsExplainedByTheSpanOfItsField) {
  for (const Cut& cut : kCuts)
    for (const std::int64_t times : {-3, -1, 1, 2}) {
      const std::uint64_t to = kCodeAt + 0x12340;
      const std::uint64_t meant = to + static_cast<std::uint64_t>(times) * (1ULL << cut.bits);
      const Place data = place(meant & ~0xFFFULL, 0x1000, "rwx", Owner::kEngine, 0);
      const Landed out = landed(reference(cut.field, to, cut.access, 8), {data});
      EXPECT_EQ(out.landing, Landing::kNowhere);
      ASSERT_TRUE(out.truncation) << cut.bits;
      EXPECT_EQ(out.truncation->times, times);
      EXPECT_EQ(out.truncation->bits, cut.bits);
      EXPECT_EQ(out.truncation->meant.value, meant);
      EXPECT_LT(out.truncation->chance, 1e-4);
    }
}

TEST(Landing, NoOtherDistanceExplainsAnything) {
  const std::uint64_t to = kCodeAt + 0x12340;
  const Place data = place(kCodeAt + (1ULL << 32) + 0x14000, 0x1000, "rw-", Owner::kEngine, 0);
  EXPECT_FALSE(landed(reference(Field::kRip32, to, Access::kRead, 8), {data}).truncation);
}

TEST(Landing, WhatDoesNotPermitTheAccessWasNotMeant) {
  const std::uint64_t to = kCodeAt + 0x12340;
  const Place constants = place(kCodeAt + (1ULL << 32) + 0x12000, 0x1000, "r--", Owner::kEngine, 0);
  EXPECT_TRUE(landed(reference(Field::kRip32, to, Access::kRead, 8), {constants}).truncation);
  EXPECT_FALSE(landed(reference(Field::kRip32, to, Access::kWrite, 8), {constants}).truncation);
}

TEST(Landing, TheEnginesOwnMemoryIsMeantBeforeAnothers) {
  const std::uint64_t to = kCodeAt + 0x12340, span = 1ULL << 32;
  const Landed out =
      landed(reference(Field::kRip32, to, Access::kRead, 8),
             {place(kCodeAt + span + 0x12000, 0x1000, "rw-", Owner::kOther),
              place(kCodeAt + 2 * span + 0x12000, 0x1000, "rw-", Owner::kEngine, 1),
              place(kCodeAt + 3 * span + 0x12000, 0x1000, "rw-", Owner::kEngine, 0)});
  ASSERT_TRUE(out.truncation);
  EXPECT_EQ(out.truncation->times, 3);
}

// Half the memory of the machine is mapped: anything is explained by chance.
TEST(Landing, AnExplanationThatIsLikelyByChanceSaysSo) {
  const Landed out = landed(reference(Field::kRip32, kCodeAt + 0x12340, Access::kRead, 8),
                            {place(kCodeAt + (1ULL << 32), 1ULL << 31, "rw-", Owner::kOther)});
  ASSERT_TRUE(out.truncation);
  EXPECT_NEAR(out.truncation->chance, 0.5, 0.01);
}

TEST(Landing, LuckIsSeenThroughIfTheEnginesMemoryIsASpanAway) {
  const std::uint64_t to = kCodeAt + 0x12340;
  const Place heap = place(kCodeAt + 0x10000, 1ULL << 20, "rw-", Owner::kOther);
  const Place data = place(kCodeAt + (1ULL << 32) + 0x12000, 0x1000, "rw-", Owner::kEngine, 0);
  const Reference load = reference(Field::kRip32, to, Access::kRead, 8);
  EXPECT_EQ(landed(load, {heap}).landing, Landing::kExpected);
  EXPECT_EQ(landed(load, {heap, data}).landing, Landing::kStranger);
  // A file's memory is no stranger: hosts' own data.
  const Place library = place(kCodeAt + 0x10000, 1ULL << 20, "rw-", Owner::kFile);
  EXPECT_EQ(landed(load, {library, data}).landing, Landing::kExpected);
}

TEST(Landing, APageWithoutItsLowBitsNeedsSomethingInIt) {
  Reference page = reference(Field::kAdrp, kNear, Access::kAddress);
  page.with.reset();
  EXPECT_EQ(landed(page, {place(kNear, 0x1000, "rw-")}).landing, Landing::kExpected);
  EXPECT_EQ(landed(page, {place(kNear, 0x1000, "---")}).landing, Landing::kWrongKind);
  EXPECT_EQ(landed(page, {place(kNear + 0x1000, 0x1000, "rw-")}).landing, Landing::kNowhere);
}

TEST(Places, OverlappingMappingsAreCutApart) {
  const Places places({place(0x1000, 0x3000, "r--"), place(0x2000, 0x4000, "rw-")});
  EXPECT_FALSE(places.at({0x3FFF})->writable);
  EXPECT_TRUE(places.at({0x4000})->writable);
  EXPECT_EQ(places.at({0xFFF}), nullptr);
  EXPECT_EQ(places.at({0x6000}), nullptr);
  EXPECT_EQ(places.from({0x6000}), nullptr);
}

}  // namespace
}  // namespace jitcorral::decode
