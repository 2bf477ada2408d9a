#include "layout.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace jitcorral {
namespace {

constexpr int kRounds = 20000;
constexpr Bytes kPage = kib(4);

class LayoutProperties : public testing::Test {
 protected:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  // Log-uniform, for sizes that matter on every scale.
  Bytes size(unsigned least_shift, unsigned most_shift) {
    const std::uint64_t top = 1ULL << (least_shift + below(most_shift - least_shift));
    return Bytes{top + below(top)};
  }
  Bytes wanted() { return below(8) == 0 ? gib(2) : round_up(size(12, 31), kGrain); }
  AddressRange module_at(Address begin, unsigned most_shift = 29) {
    const Address page = round_down(begin, kPage);
    return range_of(page, round_up(size(12, most_shift), kPage));
  }
  // Somewhere in the upper part of a user address space of so many bits.
  Address high_address() {
    constexpr unsigned kBits[] = {39, 47, 48};
    const std::uint64_t top = 1ULL << kBits[below(3)];
    return {top / 2 + below(top / 2 - gib(8).count)};
  }
  std::uint64_t any() { return random_(); }

  // What every layout has to keep, whatever it was made from.
  static void expect_sound(const Layout& layout, AddressRange anchor, Bytes wanted) {
    EXPECT_FALSE(layout.window.empty()) << "wanted " << wanted.count;
    EXPECT_TRUE(is_aligned(layout.window.begin, kGrain));
    EXPECT_TRUE(is_aligned(layout.window.end, kGrain));
    EXPECT_LE(layout.window.size(), wanted);
    EXPECT_LT(hull(layout.window, anchor).size(), kMaxSpan);
    EXPECT_FALSE(layout.window.overlaps(anchor));
  }

 private:
  std::mt19937_64 random_{20261121};
};

TEST_F(LayoutProperties, RandomGapsAreGrainsBelowTheLimit) {
  EXPECT_EQ(random_gap(1, Bytes{0}), Bytes{0});
  EXPECT_EQ(random_gap(1, kGrain - Bytes{1}), Bytes{0});
  EXPECT_EQ(random_gap(1, kGrain), Bytes{0});
  std::set<std::uint64_t> seen;
  for (int i = 0; i < kRounds; ++i) {
    const Bytes limit = size(17, 31);
    const Bytes gap = random_gap(any(), limit);
    ASSERT_LT(gap, limit);
    ASSERT_EQ(gap.count % kGrain.count, 0U);
    seen.insert(random_gap(static_cast<std::uint64_t>(i), mib(64)).count);
  }
  EXPECT_EQ(seen.size(), mib(64).count / kGrain.count);  // neighbouring seeds reach every slot
}

TEST_F(LayoutProperties, SharesBesideLibrariesFitOneSpan) {
  for (int i = 0; i < kRounds; ++i) {
    const AddressRange anchor = module_at(high_address(), 31);
    const Bytes want = size(17, 32);
    const Shares shares = shares_beside_libraries(want, anchor, any());
    if (shares.window == Bytes{}) {
      EXPECT_GE(anchor.size() + mib(64), kMaxSpan);
      continue;
    }
    EXPECT_LE(shares.window, want);
    EXPECT_GT(shares.gap, Bytes{});
    EXPECT_EQ(shares.window.count % kGrain.count, 0U);
    EXPECT_EQ(shares.gap.count % kGrain.count, 0U);
    ASSERT_LT(shares.window + shares.gap + anchor.size() + kGrain + kGrain, kMaxSpan + Bytes{1});
  }
}

TEST_F(LayoutProperties, AnchorThatFillsTheSpanLeavesNoShares) {
  for (const Bytes n : {kMaxSpan - mib(64), kMaxSpan, gib(2), gib(40)}) {
    const Shares shares = shares_beside_libraries(gib(2), range_of(Address{1ULL << 40}, n), 1);
    EXPECT_EQ(shares.window, Bytes{});
  }
}

TEST_F(LayoutProperties, CarvedWindowsReachTheAnchorOnEitherSide) {
  int refused = 0;
  for (int i = 0; i < kRounds; ++i) {
    const AddressRange anchor = module_at(high_address());
    const Bytes want = size(17, 32);
    const Shares shares = shares_beside_libraries(want, anchor, any());
    ASSERT_GT(shares.window, Bytes{});
    const Bytes length = shares.window + shares.gap + kGrain + kGrain;
    const bool under = below(2) == 0;
    const AddressRange block =
        under ? AddressRange{anchor.begin - length, anchor.begin} : range_of(anchor.end, length);
    const auto layout = carve(block, anchor, shares);
    if (!layout) {
      ++refused;
      continue;
    }
    expect_sound(*layout, anchor, want);
    EXPECT_EQ(layout->window.size(), shares.window);
    EXPECT_TRUE(block.contains(layout->window));
    EXPECT_EQ(layout->code_at_high_end, under);  // code is packed at the anchor's side
    const Bytes gap = under ? anchor.begin - layout->window.end : layout->window.begin - anchor.end;
    EXPECT_GE(gap, shares.gap);
  }
  EXPECT_EQ(refused, 0) << "a block that adjoins the anchor always serves";
}

TEST_F(LayoutProperties, CarveRefusesWhatIsOutOfReach) {
  for (int i = 0; i < kRounds; ++i) {
    const AddressRange anchor = module_at(high_address());
    const Shares shares = shares_beside_libraries(gib(2), anchor, any());
    const Bytes length = shares.window + shares.gap + kGrain + kGrain;
    const Bytes off = round_up(size(12, 40), kPage);
    if (off.count + length.count > anchor.begin.value) continue;
    for (const bool under : {true, false}) {
      const AddressRange block = under
                                     ? AddressRange{anchor.begin - off - length, anchor.begin - off}
                                     : range_of(anchor.end + off, length);
      const auto layout = carve(block, anchor, shares);
      if (layout) expect_sound(*layout, anchor, gib(2));
      EXPECT_FALSE(layout && off >= kMaxSpan);
    }
  }
}

TEST_F(LayoutProperties, CarveNeedsNoAnchorButABlockThatHoldsTheWindow) {
  const AddressRange block = range_of(Address{0x7f0000001000}, mib(64));
  const auto layout = carve(block, {}, {mib(32), mib(16)});
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->window.size(), mib(32));
  EXPECT_TRUE(is_aligned(layout->window.begin, kGrain));
  EXPECT_FALSE(carve(block, {}, {mib(64), {}}));  // unaligned: a grain is missing
  EXPECT_FALSE(carve(block, {}, {mib(65), {}}));
}

TEST_F(LayoutProperties, CarveRefusesAShareThatReachesBelowAddressZero) {
  EXPECT_FALSE(
      carve(range_of(Address{0x10000}, mib(1)), range_of(Address{0x1000}, kib(4)), {gib(1), {}}));
}

TEST_F(LayoutProperties, PieWindowsLieBelowTheExecutableAwayFromTheHeap) {
  for (int i = 0; i < kRounds; ++i) {
    const AddressRange exe = module_at(high_address());
    const Bytes want = wanted();
    const auto layout =
        plan_beside_executable(exe, exe.end + Bytes{below(gib(1).count)}, want, any());
    ASSERT_TRUE(layout);
    if (want >= kGrain) expect_sound(*layout, exe, want);
    EXPECT_LE(layout->window.end, exe.begin);
    EXPECT_TRUE(layout->code_at_high_end);
  }
}

TEST_F(LayoutProperties, NonPieWindowsLeaveHalfOfTheRoomToTheHeap) {
  for (int i = 0; i < kRounds; ++i) {
    const AddressRange exe = module_at(Address{below(2) == 0 ? 0x400000 : below(gib(4).count)});
    const Address heap = exe.end + Bytes{below(gib(3).count)};
    const Bytes want = wanted();
    const auto layout = plan_beside_executable(exe, heap, want, any());
    const Address reach = exe.begin + kMaxSpan;
    if (!layout) {
      EXPECT_GT(heap + mib(2) + kGrain, reach);
      continue;
    }
    if (want >= kGrain) expect_sound(*layout, exe, want);
    ASSERT_GT(layout->window.begin, heap);
    EXPECT_GE((layout->window.begin - heap).count + kGrain.count, (reach - heap).count / 2);
  }
}

TEST_F(LayoutProperties, WindowBelowOneGrainIsNoWindow) {
  for (const std::uint64_t at : {0x400000ULL, 0x555555554000ULL}) {
    const auto layout = plan_beside_executable(range_of(Address{at}, mib(1)), Address{at} + mib(2),
                                               kGrain - Bytes{1}, 1);
    EXPECT_FALSE(layout && layout->window.empty()) << std::hex << at;
  }
  EXPECT_FALSE(plan_low(range_of(Address{0x400000}, mib(1)), Address{0x600000}, kib(32), 1));
}

TEST_F(LayoutProperties, ExecutableThatFillsTheSpanHasNoWindow) {
  for (const std::uint64_t at : {0x400000ULL, 0x555555554000ULL}) {
    for (const Bytes n : {kMaxSpan - mib(2), kMaxSpan, gib(3)}) {
      const AddressRange exe = range_of(Address{at}, n);
      EXPECT_FALSE(plan_beside_executable(exe, exe.end, gib(2), 1));
    }
    const AddressRange exe = range_of(Address{at}, kMaxSpan - mib(4));
    if (const auto layout = plan_beside_executable(exe, exe.end, gib(2), 1))
      expect_sound(*layout, exe, gib(2));
  }
}

TEST_F(LayoutProperties, HeapThatWanderedOffIsRefused) {
  const AddressRange exe = range_of(Address{0x400000}, mib(1));
  EXPECT_FALSE(plan_beside_executable(exe, exe.begin + kMaxSpan, gib(2), 1));
  EXPECT_FALSE(plan_beside_executable(exe, Address{0x7f0000000000}, gib(2), 1));
  EXPECT_TRUE(plan_beside_executable(exe, Address{}, gib(2), 1));  // sbrk failed or no heap
}

TEST_F(LayoutProperties, LowWindowsLieBelowTwoGigabytesAndAboveTheHeap) {
  for (int i = 0; i < kRounds; ++i) {
    const bool low_exe = below(2) == 0;
    const AddressRange exe =
        module_at(low_exe ? Address{0x10000 + below(gib(2).count)} : high_address());
    const Address heap = exe.end + Bytes{below(gib(1).count)};
    const Bytes want = wanted();
    const auto layout = plan_low(exe, heap, want, any());
    if (!layout) continue;
    expect_sound(*layout, {}, want);
    EXPECT_LT(layout->window.end.value, gib(2).count);
    EXPECT_GE(layout->window.begin.value, mib(16).count);
    if (!low_exe || exe.begin.value >= gib(2).count - mib(16).count) {
      EXPECT_LE(layout->window.end.value, gib(1).count) << "MAP_32BIT begins there";
      continue;
    }
    EXPECT_FALSE(layout->window.overlaps(exe));
    ASSERT_GE(layout->window.begin, heap);
  }
}

TEST_F(LayoutProperties, LowWindowOfAPieProcessIsThereAtAnyWantedSize) {
  const AddressRange exe = range_of(Address{0x555555554000}, mib(1));
  for (unsigned shift = 16; shift <= 31; ++shift) {
    const auto layout = plan_low(exe, exe.end, Bytes{1ULL << shift}, any());
    ASSERT_TRUE(layout) << shift;
    expect_sound(*layout, {}, Bytes{1ULL << shift});
  }
}

TEST_F(LayoutProperties, SeedsDecideThePlaceAndDiffer) {
  const AddressRange pie = range_of(Address{0x555555554000}, mib(1));
  const AddressRange fixed = range_of(Address{0x400000}, mib(1));
  const AddressRange libraries = range_of(Address{0x7ffff7000000}, mib(8));
  std::set<std::uint64_t> beside, above, low, gaps;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    beside.insert(plan_beside_executable(pie, pie.end, mib(512), seed)->window.begin.value);
    above.insert(plan_beside_executable(fixed, fixed.end, mib(512), seed)->window.begin.value);
    low.insert(plan_low(pie, pie.end, mib(256), seed)->window.begin.value);
    gaps.insert(shares_beside_libraries(gib(2), libraries, seed).gap.count);
    EXPECT_EQ(plan_low(pie, pie.end, mib(256), seed)->window,
              plan_low(pie, pie.end, mib(256), seed)->window);
  }
  for (const auto* places : {&beside, &above, &low, &gaps}) EXPECT_GT(places->size(), 55U);
}

TEST_F(LayoutProperties, NeighboursLieWithin32Gigabytes) {
  const AddressRange a = range_of(Address{1ULL << 40}, mib(1));
  EXPECT_TRUE(are_neighbours(a, range_of(a.begin + gib(31), mib(1))));
  EXPECT_FALSE(are_neighbours(a, range_of(a.begin + gib(32), mib(1))));
  EXPECT_FALSE(are_neighbours(a, range_of(a.begin - gib(32), mib(1))));
}

}  // namespace
}  // namespace jitcorral
