#include "jitcorral/units.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <type_traits>

#include "jitcorral/range.h"
#include "jitcorral/reach.h"

namespace jitcorral {
namespace {

constexpr AddressRange range(std::uint64_t begin, std::uint64_t end) {
  return {{begin}, {end}};
}

TEST(Units, KindsOfNumbersDoNotMix) {
  static_assert(!std::is_convertible_v<Bytes, Address>);
  static_assert(!std::is_convertible_v<Pages, Bytes>);
  static_assert(!std::is_convertible_v<PageIndex, Pages>);
  static_assert(!std::is_convertible_v<PageIndex, Address>);
  EXPECT_EQ(Address{}.value, 0U);
}

TEST(Units, SizesArePowersOf1024) {
  EXPECT_EQ(kib(1), Bytes{1024});
  EXPECT_EQ(mib(1), Bytes{1024 * 1024});
  EXPECT_EQ(gib(2), Bytes{2147483648});
  EXPECT_EQ(gib(0), Bytes{});
}

TEST(Units, RoundingKeepsMultiplesAndMovesTheRest) {
  for (const Bytes a : {Bytes{1}, kib(4), kib(64), mib(2)}) {
    EXPECT_EQ(round_up(Bytes{0}, a), Bytes{0});
    EXPECT_EQ(round_up(Bytes{1}, a), a);
    EXPECT_EQ(round_up(a, a), a);
    EXPECT_EQ(round_down(a, a), a);
    EXPECT_EQ(round_down(a - Bytes{1}, a), Bytes{0});
    EXPECT_EQ(round_up(Address{0x7fffffffffff}, a).value % a.count, 0U);
    EXPECT_TRUE(is_aligned(round_down(Address{0x7fffffffffff}, a), a));
  }
  EXPECT_FALSE(is_aligned(Address{0x1001}, kib(4)));
  EXPECT_EQ(round_down(Address{UINT64_MAX}, kib(4)).value, 0xfffffffffffff000U);
}

TEST(Units, AddressesAndSizesAddUp) {
  EXPECT_EQ(Address{0x1000} + Bytes{0x10}, Address{0x1010});
  EXPECT_EQ(Address{0x1000} - Bytes{0x10}, Address{0xff0});
  EXPECT_EQ((Address{0x1000} - Address{0xff0}), Bytes{0x10});
  EXPECT_EQ(gib(2) / 4, mib(512));
}

TEST(Units, PageSizesCountPages) {
  for (const unsigned shift : {12U, 14U, 16U}) {
    const PageSize page = PageSize::of(Bytes{1ULL << shift});
    EXPECT_EQ(page.shift(), shift);
    EXPECT_EQ(page.bytes(), Bytes{1ULL << shift});
    EXPECT_EQ(page.covering(Bytes{0}), Pages{0});
    EXPECT_EQ(page.covering(Bytes{1}), Pages{1});
    EXPECT_EQ(page.covering(page.bytes()), Pages{1});
    EXPECT_EQ(page.covering(page.bytes() + Bytes{1}), Pages{2});
    EXPECT_EQ(page.bytes(page.covering(gib(2))), gib(2));
  }
  const PageSize small = PageSize::of(kib(4));
  EXPECT_EQ(small.covering(Bytes{4096ULL << 31}), Pages{1U << 31});
  EXPECT_EQ(small.bytes(Pages{1U << 31}), Bytes{4096ULL << 31});
}

TEST(Units, PageRunsEndBehindTheirLastPage) {
  const PageRun run{{7}, {3}};
  EXPECT_EQ(run.end(), PageIndex{10});
  EXPECT_EQ(run.end() - run.first, Pages{3});
  EXPECT_FALSE(run.empty());
  EXPECT_TRUE((PageRun{{7}, {0}}.empty()));
  EXPECT_NE(run, (PageRun{{7}, {4}}));
}

TEST(Range, ContainsItsFirstByteAndNotItsEnd) {
  const AddressRange r = range(0x1000, 0x2000);
  EXPECT_TRUE(r.contains(Address{0x1000}));
  EXPECT_TRUE(r.contains(Address{0x1fff}));
  EXPECT_FALSE(r.contains(Address{0x2000}));
  EXPECT_FALSE(r.contains(Address{0xfff}));
  EXPECT_TRUE(r.contains(r));
  EXPECT_FALSE(r.contains(range(0x1000, 0x2001)));
  EXPECT_FALSE(r.contains(range(0xfff, 0x2000)));
}

TEST(Range, BackwardsAndNothingAreEmpty) {
  EXPECT_TRUE(range(5, 5).empty());
  EXPECT_TRUE(range(6, 5).empty());
  EXPECT_FALSE(range(5, 6).empty());
  EXPECT_FALSE(range(5, 5).contains(Address{5}));
}

TEST(Range, NeighboursTouchWithoutOverlap) {
  EXPECT_FALSE(range(0, 10).overlaps(range(10, 20)));
  EXPECT_FALSE(range(10, 20).overlaps(range(0, 10)));
  EXPECT_TRUE(range(0, 11).overlaps(range(10, 20)));
  EXPECT_TRUE(range(0, 100).overlaps(range(10, 20)));
  EXPECT_TRUE(intersection(range(0, 10), range(10, 20)).empty());
  EXPECT_TRUE(intersection(range(0, 10), range(50, 60)).empty());
  EXPECT_EQ(intersection(range(0, 11), range(10, 20)), range(10, 11));
}

TEST(Range, HullHoldsBothAndIgnoresTheEmpty) {
  EXPECT_EQ(hull(range(0, 10), range(30, 40)), range(0, 40));
  EXPECT_EQ(hull(range(30, 40), range(0, 10)), range(0, 40));
  EXPECT_EQ(hull(range(0, 40), range(10, 20)), range(0, 40));
  EXPECT_EQ(hull({}, range(10, 20)), range(10, 20));
  EXPECT_EQ(hull(range(10, 20), {}), range(10, 20));
  EXPECT_TRUE(hull({}, {}).empty());
}

TEST(Range, WorstDistanceIsFromByteToByte) {
  EXPECT_EQ(worst_distance(range(0, 1), range(0, 1)), Bytes{0});
  EXPECT_EQ(worst_distance(range(0, 1), range(1, 2)), Bytes{1});
  EXPECT_EQ(worst_distance(range(0, 10), range(90, 100)), Bytes{99});
  EXPECT_EQ(worst_distance(range(90, 100), range(0, 10)), Bytes{99});
  EXPECT_EQ(worst_distance({}, {}), Bytes{0});
}

TEST(Range, AlgebraHoldsForRandomRanges) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto any = [&] { return random() % 200; };
    const auto make = [&] {
      const std::uint64_t begin = any();
      return range(begin, begin + any());
    };
    const AddressRange a = make(), b = make();
    const AddressRange both = hull(a, b), common = intersection(a, b);
    EXPECT_EQ(both, hull(b, a));
    EXPECT_EQ(common.empty(), intersection(b, a).empty());
    EXPECT_TRUE(a.empty() || both.contains(a));
    EXPECT_TRUE(b.empty() || both.contains(b));
    EXPECT_TRUE(a.empty() || b.empty() || a.overlaps(b) == !common.empty());
    EXPECT_TRUE(common.empty() || (a.contains(common) && b.contains(common)));
  }
}

TEST(Reach, SpanLeavesTwoMegabytesOfTheSigned32Bits) {
  EXPECT_EQ(kMaxSpan.count, (1ULL << 31) - (2ULL << 20));
  const AddressRange anchor = range(0x10000, 0x20000);
  const auto to = [&](Bytes span) { return range_of(anchor.begin + span - Bytes{1}, Bytes{1}); };
  EXPECT_TRUE(within_span(anchor, to(kMaxSpan - Bytes{1})));
  EXPECT_FALSE(within_span(anchor, to(kMaxSpan)));
  EXPECT_FALSE(within_span(to(kMaxSpan), anchor));
}

TEST(Reach, EachKindHasOneRowWithTheLimitOfItsRelocation) {
  unsigned seen = 0;
  for (const Reach& r : kReaches) {
    seen |= 1U << static_cast<unsigned>(r.kind);
    EXPECT_TRUE(r.x86_64 || r.aarch64) << r.name;
    switch (r.kind) {
      case ReachKind::kBranch26:  // 26 bits, signed, in units of four bytes
        EXPECT_EQ(r.limit.count, (1ULL << 25) * 4 - 4);
        EXPECT_FALSE(r.x86_64);
        break;
      case ReachKind::kDelta32:
      case ReachKind::kAbsolute32:
        EXPECT_EQ(r.limit.count, static_cast<std::uint64_t>(INT32_MAX));
        EXPECT_TRUE(r.x86_64);
        break;
      case ReachKind::kAdrp:
        EXPECT_EQ(r.limit.count, (1ULL << 32) - 1);
        EXPECT_FALSE(r.x86_64);
        break;
    }
  }
  EXPECT_EQ(seen, 0xfU);
  EXPECT_EQ(std::size(kReaches), 4U);
}

}  // namespace
}  // namespace jitcorral
