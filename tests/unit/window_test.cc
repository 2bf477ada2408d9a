// Placing, unmapping, and who gets which page.
#include "window_fixture.h"

namespace jitcorral {
namespace {

using WindowPlaces = WindowTest;
INSTANTIATE_TEST_SUITE_P(Modes, WindowPlaces, testing::Bool(), [](const auto& mode) {
  return std::string(mode.param ? "shielded" : "bare");
});

TEST_P(WindowPlaces, ClosedWindowHoldsNothing) {
  const auto window = std::make_unique<Window>();
  window->set_page_size(PageSize::of(page()));
  EXPECT_FALSE(window->is_open());
  EXPECT_TRUE(window->range().empty());
  EXPECT_FALSE(window->any_shielded({{0}, {~0ULL}}));
  EXPECT_TRUE(window->extent_at({0x1000}).empty());
  window->unshield();
  EXPECT_TRUE(window->begin_opening());
  EXPECT_FALSE(window->begin_opening());
  EXPECT_TRUE(window->is_opening());
  window->abandon();
  EXPECT_TRUE(window->begin_opening());
}

TEST_P(WindowPlaces, OpeningIsItsOpenersAlone) {
  const Site place = site();
  const auto window = std::make_unique<Window>();
  window->set_page_size(PageSize::of(page()));
  constexpr std::uintptr_t kOne = 0x7ffff7d80740, kTwo = 0x7ffff7d80780;
  ASSERT_TRUE(window->begin_opening(kOne));
  EXPECT_FALSE(window->begin_opening(kTwo));
  EXPECT_TRUE(window->range().empty());
  // A handler on the first thread takes the opening for abandoned, and abandons it itself.
  EXPECT_TRUE(window->begin_opening(kOne));
  window->abandon(kOne);
  // Now it is another thread's, whatever the first thread goes on to do.
  ASSERT_TRUE(window->begin_opening(kTwo));
  EXPECT_FALSE(window->begin_opening(kOne));
  window->abandon(kOne);
  EXPECT_TRUE(window->is_opening());
  EXPECT_FALSE(window->publish(place, kOne));
  EXPECT_TRUE(window->is_opening());
  EXPECT_TRUE(window->publish(place, kTwo));
  window->abandon(kOne);
  window->abandon(kTwo);
  EXPECT_EQ(window->range(), place.layout.window);
  EXPECT_FALSE(window->publish(place, kTwo));
  kernel::unmap(place.layout.window);
}

TEST_P(WindowPlaces, ForkedChildOpensItsOwn) {
  const auto window = std::make_unique<Window>();
  ASSERT_TRUE(window->begin_opening(64));
  window->forget_others();
  EXPECT_FALSE(window->is_opening());
  EXPECT_TRUE(window->begin_opening(128));
}

TEST_P(WindowPlaces, RangeIsWhatWasPublishedAndAShieldHoldsAllOfIt) {
  const Site place = site();
  const Opened window(place);
  EXPECT_EQ(window->range(), place.layout.window);
  EXPECT_EQ(mapped(window.range(), "---p"), shielded() ? kSize : Bytes{});
  EXPECT_EQ(window->any_shielded(window.range()), shielded());
}

TEST_P(WindowPlaces, FreedPlaceComesBackZeroed) {
  const Opened window(site());
  const Placed first = window.place(pages(3));
  ASSERT_EQ(first.failure, PlaceFailure::kNone);
  memset(memory(first.at), 0xab, pages(3).count);
  ASSERT_TRUE(window->unmap(range_of(first.at, pages(3))).ok());
  for (int i = 0; i < 100; ++i) {
    const Placed again = window.place(pages(3));
    ASSERT_EQ(again.failure, PlaceFailure::kNone);
    ASSERT_EQ(again.at, first.at);
    for (const unsigned at : {0U, 4095U, 8192U}) ASSERT_EQ(memory(again.at)[at], 0);
    memset(memory(again.at), 0xab, pages(3).count);
    ASSERT_TRUE(window->unmap(range_of(again.at, pages(3))).ok());
  }
  EXPECT_EQ(mapped(range_of(first.at, pages(3)), "rw"), Bytes{});
}

TEST_P(WindowPlaces, UnmappingTheMiddleFreesOnlyTheMiddle) {
  const Opened window(site());
  const Address at = window.place(pages(9)).at;
  memset(memory(at), 7, pages(9).count);
  ASSERT_TRUE(window->unmap(range_of(at + pages(3), pages(3))).ok());
  EXPECT_EQ(memory(at)[0], 7);
  EXPECT_EQ(memory(at + pages(9))[-1], 7);
  EXPECT_EQ(window.place(pages(3)).at, at + pages(3));
  EXPECT_EQ(memory(at + pages(3))[0], 0);
}

TEST_P(WindowPlaces, CodeAndDataGoToOppositeEnds) {
  const Opened window(site());
  const AddressRange all = window.range();
  EXPECT_EQ(window.place(pages(2), Kind::kCode).at, all.end - pages(2));
  EXPECT_EQ(window.place(pages(2), Kind::kRodata).at, all.begin);
  EXPECT_EQ(window.place(pages(2), Kind::kMixed).at, all.end - pages(4));
  EXPECT_EQ(window.place(pages(2), Kind::kRwdata).at, all.begin + pages(2));
  EXPECT_EQ(window.place(pages(2), Kind::kUnknown).at, all.end - pages(6));
}

TEST_P(WindowPlaces, CodeIsAtTheLowEndWhereThatIsFarFromTheAnchor) {
  Site low = site();
  low.layout.code_at_high_end = false;
  const Opened window(low);
  EXPECT_EQ(window.place(pages(2), Kind::kCode).at, window.range().begin);
  EXPECT_EQ(window.place(pages(2), Kind::kRwdata).at, window.range().end - pages(2));
}

// aarch64 BL: alignment for huge pages is given up before code leaves the reach of other code.
TEST_P(WindowPlaces, CodeOfEverySizeStaysWithinABranchOfItself) {
  const Opened window(site(mib(512)));
  const Bytes sizes[] = {mib(2), mib(2) + kib(4), kib(4), mib(4), mib(3), kib(132), mib(6)};
  AddressRange code, first;
  Bytes mapped{}, aligned{};
  for (std::size_t i = 0; mapped + sizes[i % std::size(sizes)] <= mib(116); ++i) {
    const Bytes size = sizes[i % std::size(sizes)];
    const Placed placed = window->place(call_of(size), i % 3 == 0 ? Kind::kUnknown : Kind::kCode,
                                        page(), huge_alignment(size));
    ASSERT_EQ(placed.failure, PlaceFailure::kNone);
    ASSERT_EQ(window->place(call_of(mib(1)), Kind::kRwdata, page()).failure, PlaceFailure::kNone);
    code = hull(code, range_of(placed.at, size));
    mapped = mapped + size;
    if (size == mib(2) && is_aligned(placed.at, mib(2))) aligned = aligned + size;
  }
  EXPECT_LE(code.size(), mib(128));
  EXPECT_GE(aligned, mib(4)) << "huge pages are given up only where they must be";
}

TEST_P(WindowPlaces, AlignmentIsOfTheAddress) {
  Site odd = site();
  if (!shielded()) odd.layout.window.begin = odd.layout.window.begin + kGrain;
  const Opened window(odd);
  for (const Kind kind : {Kind::kCode, Kind::kRwdata}) {
    ASSERT_EQ(window.place(pages(1), kind).failure, PlaceFailure::kNone);
    for (const Bytes alignment : {mib(2), kib(64), mib(4), mib(8)}) {
      const Placed placed = window->place(call_of(mib(2)), kind, alignment);
      ASSERT_EQ(placed.failure, PlaceFailure::kNone);
      EXPECT_TRUE(is_aligned(placed.at, alignment));
      EXPECT_TRUE(window.range().contains(range_of(placed.at, mib(2))));
    }
  }
}

TEST_P(WindowPlaces, FullWindowSaysSoAndHasRoomAgainAfterAnUnmap) {
  const Opened window(site(mib(2)));
  const Bytes all = window.range().size();
  EXPECT_EQ(window.place(all + page()).failure, PlaceFailure::kFull);
  const Placed first = window.place(all);
  ASSERT_EQ(first.failure, PlaceFailure::kNone);
  EXPECT_EQ(window.place(page()).failure, PlaceFailure::kFull);
  ASSERT_TRUE(window->unmap(range_of(first.at + kib(64), page())).ok());
  EXPECT_EQ(window.place(pages(2)).failure, PlaceFailure::kFull);
  EXPECT_EQ(window.place(page()).at, first.at + kib(64));
}

TEST_P(WindowPlaces, UnmappedPagesAreBareWhateverTheirNumber) {
  const Opened window(site());
  const Placed big = window.place(mib(3));
  memset(memory(big.at), 1, mib(3).count);
  ASSERT_TRUE(window->unmap(range_of(big.at, mib(3))).ok());
  EXPECT_EQ(mapped(range_of(big.at, mib(3))), Bytes{});
  const Placed again = window.place(mib(3));
  EXPECT_EQ(again.at, big.at);
  EXPECT_EQ(memory(again.at)[mib(2).count], 0);
}

TEST_P(WindowPlaces, UnmapOverShieldBareAndMappedPagesFreesAllAndKeepsTheShield) {
  const Opened window(site());
  // From the end: bare, mapped, then free as the window was made.
  const Address end = window.range().end;
  ASSERT_EQ(window.place(pages(2)).at, end - pages(2));
  ASSERT_EQ(window.place(pages(2)).at, end - pages(4));
  ASSERT_TRUE(window->unmap(range_of(end - pages(2), pages(2))).ok());
  const AddressRange spanning{end - pages(10), end + pages(0)};
  ASSERT_TRUE(window->unmap(spanning).ok());
  EXPECT_EQ(mapped(spanning, "rw"), Bytes{});
  EXPECT_EQ(mapped(spanning, "---p"), shielded() ? pages(6) : Bytes{});
  EXPECT_FALSE(window->any_claimed(spanning));
  EXPECT_EQ(window.place(pages(10)).at, end - pages(10));
  memset(memory(end - pages(10)), 1, pages(10).count);
}

TEST_P(WindowPlaces, UnmapThatBeginsOutsideFreesBothParts) {
  const Opened window(site());
  const Address begin = window.range().begin;
  const AddressRange outside{begin - pages(2), begin};
  const KernelResult r = kernel::reserve(outside.begin, outside.size(), MAP_FIXED_NOREPLACE);
  if (!r.ok()) GTEST_SKIP() << "something lies right below the window";
  ASSERT_EQ(window.place(pages(2), Kind::kRwdata).at, begin);
  const AddressRange both{outside.begin, begin + pages(4)};
  ASSERT_TRUE(window->unmap(both).ok());
  EXPECT_EQ(mapped(outside), Bytes{});
  EXPECT_EQ(mapped(both, "---p"), shielded() ? pages(2) : Bytes{});
  EXPECT_FALSE(window->any_claimed(both));
}

TEST_P(WindowPlaces, UnmapThatTheKernelRefusesUsesNothingUp) {
  const Opened window(site());
  const Placed live = window.place(pages(2));
  memory(live.at)[0] = 7;
  const AddressRange beyond{window.run(3).begin, Address{1ULL << 62}};
  ASSERT_EQ(window->unmap(beyond).error(), EINVAL);
  EXPECT_EQ(memory(live.at)[0], 7);
  EXPECT_TRUE(window->any_claimed(range_of(live.at, pages(2))));
  EXPECT_FALSE(window->any_claimed({window.range().begin, live.at}));
  ASSERT_TRUE(window->unmap(range_of(live.at, pages(2))).ok());
  EXPECT_FALSE(window->any_claimed(window.range()));
}

}  // namespace
}  // namespace jitcorral
