// What the host and others do to the window by themselves: foreign pages, fixed maps, moves,
// limits.
#include "window_fixture.h"

namespace jitcorral {
namespace {

using WindowAndHost = WindowTest;
INSTANTIATE_TEST_SUITE_P(Modes, WindowAndHost, testing::Bool(), [](const auto& mode) {
  return std::string(mode.param ? "shielded" : "bare");
});

TEST_P(WindowAndHost, ForeignPageIsNeverOverwrittenAndAnotherPlaceIsTaken) {
  const Opened window(site());
  const Placed placed = window.place(pages(4));
  ASSERT_TRUE(window->unmap(range_of(placed.at, pages(4))).ok());
  MapCall foreign = call_of(page());
  foreign.hint = placed.at + pages(1);
  foreign.flags |= MAP_FIXED_NOREPLACE;
  ASSERT_EQ(kernel::map(foreign).address(), foreign.hint);
  memset(memory(foreign.hint), 0x5a, page().count);
  for (int i = 0; i < 8; ++i) {
    const Placed other = window.place(pages(4));
    ASSERT_EQ(other.failure, PlaceFailure::kNone);
    ASSERT_FALSE(range_of(other.at, pages(4)).overlaps(range_of(foreign.hint, page())));
    memset(memory(other.at), 1, pages(4).count);
  }
  for (unsigned i = 0; i < page().count; ++i) ASSERT_EQ(memory(foreign.hint)[i], 0x5a);
  // Its owner gives it back: ours to place on again.
  ASSERT_TRUE(window->unmap(range_of(foreign.hint, page())).ok());
  bool came_back = false;
  for (int i = 0; i < 64 && !came_back; ++i) came_back = window.place(page()).at == foreign.hint;
  EXPECT_TRUE(came_back);
}

TEST_P(WindowAndHost, FreePagesBesideAForeignPageAreNotLost) {
  const Opened window(site(mib(1)));
  const Bytes half = window.range().size() / 2;
  const AddressRange top{window.range().end - half, window.range().end};
  ASSERT_EQ(window->place(call_of(half), Kind::kCode, page()).at, top.begin);
  ASSERT_TRUE(window->unmap(top).ok());
  MapCall foreign = call_of(page());
  foreign.hint = top.begin + pages(5);
  foreign.flags |= MAP_FIXED_NOREPLACE;
  ASSERT_EQ(kernel::map(foreign).address(), foreign.hint);
  const Placed other = window.place(half);
  ASSERT_EQ(other.failure, PlaceFailure::kNone);
  ASSERT_FALSE(range_of(other.at, half).overlaps(range_of(foreign.hint, page())));
  EXPECT_EQ(window.place(page()).failure, PlaceFailure::kNone)
      << "one foreign page cost every page of the request that met it";
}

TEST_P(WindowAndHost, PlaceExactlyTakesShieldedPagesOnly) {
  const Opened window(site());
  KernelResult r;
  const AddressRange wanted = window.run(20, 3);
  ASSERT_EQ(window->place_exactly(call_of(pages(3)), wanted.begin, r), shielded());
  if (!shielded()) return;
  EXPECT_EQ(r.address(), wanted.begin);
  memset(memory(wanted.begin), 1, pages(3).count);
  EXPECT_FALSE(window->place_exactly(call_of(pages(3)), wanted.begin, r));
  EXPECT_FALSE(window->place_exactly(call_of(pages(3)), window.run(18).begin, r));
  EXPECT_FALSE(window->place_exactly(call_of(pages(3)), window.range().end - pages(2), r));
  EXPECT_EQ(memory(wanted.begin)[0], 1);
  EXPECT_FALSE(window->any_claimed(window.run(18, 2)));
  // Partly bare: still placed.
  ASSERT_TRUE(window->unmap(window.run(22)).ok());
  EXPECT_TRUE(window->place_exactly(call_of(pages(3)), window.run(22).begin, r));
  EXPECT_EQ(r.address(), window.run(22).begin);
}

TEST_P(WindowAndHost, HostMapsAtAFixedPlaceAndOwnsIt) {
  const Opened window(site());
  const AddressRange wanted = window.run(0, 4);
  for (const int fixed : {MAP_FIXED, MAP_FIXED_NOREPLACE}) {
    const Window::Lifted lifted = window->lift(wanted);
    EXPECT_FALSE(window->any_shielded(wanted));
    EXPECT_EQ(mapped(wanted), Bytes{});
    MapCall host = call_of(wanted.size());
    host.hint = wanted.begin;
    host.flags |= fixed;
    const KernelResult r = kernel::map(host);
    ASSERT_EQ(r.address(), wanted.begin);
    window->settle(lifted, true);
    EXPECT_TRUE(window->any_claimed(window.run(0)) && window->any_claimed(window.run(3)));
    EXPECT_FALSE(window->any_claimed(window.run(4)));
    EXPECT_EQ(window.place(pages(1), Kind::kRwdata).at, window.run(4).begin);
    ASSERT_TRUE(window->unmap(window.run(0, 5)).ok());
    EXPECT_FALSE(window->any_claimed(window.run(0, 5)));
  }
}

TEST_P(WindowAndHost, LiftThatTheKernelThenRefusedLeavesThePagesFree) {
  const Opened window(site());
  const Placed live = window.place(pages(1), Kind::kRwdata);
  memory(live.at)[0] = 9;
  const Window::Lifted lifted = window->lift(window.run(0, 4));
  EXPECT_EQ(memory(live.at)[0], 9);
  window->settle(lifted, false);
  EXPECT_TRUE(window->any_claimed(window.run(0)));
  EXPECT_FALSE(window->any_claimed(window.run(1, 3)));
  EXPECT_EQ(window.place(pages(3), Kind::kRwdata).at, window.run(1).begin);
}

TEST_P(WindowAndHost, MoveKeepsContentsAndGrows) {
  const Opened window(site());
  const AddressRange old = range_of(window.place(pages(3)).at, pages(3));
  ASSERT_EQ(window.place(pages(1)).failure, PlaceFailure::kNone);
  for (unsigned i = 0; i < pages(3).count; ++i)
    memory(old.begin)[i] = static_cast<unsigned char>(i);
  for (const Bytes length : {pages(5), mib(3)}) {
    const Placed moved =
        window->move({old.begin, pages(3), length, MREMAP_MAYMOVE, {}}, Kind::kUnknown);
    ASSERT_EQ(moved.failure, PlaceFailure::kNone);
    ASSERT_TRUE(window.range().contains(range_of(moved.at, length)));
    for (unsigned i = 0; i < pages(3).count; ++i)
      ASSERT_EQ(memory(moved.at)[i], static_cast<unsigned char>(i));
    EXPECT_EQ(memory(moved.at + length)[-1], 0);
    EXPECT_EQ(mapped(range_of(moved.at, length), "rw"), length);
    EXPECT_EQ(mapped(old), Bytes{});
    window->forget(old);
    // And back, by hand: the second round begins as the first did.
    const Window::Lifted lifted = window->lift(old);
    ASSERT_TRUE(
        kernel::remap({moved.at, pages(3), pages(3), MREMAP_MAYMOVE | MREMAP_FIXED, old.begin})
            .ok());
    window->settle(lifted, true);
    ASSERT_TRUE(window->unmap(range_of(moved.at, length)).ok());
  }
}

TEST_P(WindowAndHost, MoveIsNotAlignedWhereThereIsNoRoomForThat) {
  const Opened window(site(mib(4)));
  const AddressRange old = range_of(window.place(pages(1), Kind::kRwdata).at, pages(1));
  const Bytes most = window.range().size() - pages(1);
  const Placed moved =
      window->move({old.begin, pages(1), most, MREMAP_MAYMOVE, {}}, Kind::kUnknown);
  ASSERT_EQ(moved.failure, PlaceFailure::kNone);
  EXPECT_EQ(moved.at, old.end);
}

TEST_P(WindowAndHost, MoveOfSomethingUnmappedIsRefusedAndCostsNoPage) {
  const Opened window(site());
  const AddressRange gone = window.run(100, 2);
  ASSERT_FALSE(window->lift(gone).part.empty());
  const Placed moved =
      window->move({gone.begin, pages(2), pages(4), MREMAP_MAYMOVE, {}}, Kind::kUnknown);
  EXPECT_EQ(moved.failure, PlaceFailure::kRefused);
  EXPECT_EQ(moved.error, EFAULT);
  EXPECT_FALSE(window->any_claimed(window.range()));
  EXPECT_EQ(window.place(pages(4)).at, window.range().end - pages(4));
}

TEST_P(WindowAndHost, MoveTakesAnotherPlaceWhereSomebodyElseIs) {
  const Opened window(site());
  const AddressRange old = range_of(window.place(pages(2), Kind::kRwdata).at, pages(2));
  memory(old.begin)[0] = 3;
  const Placed freed = window.place(pages(4));
  ASSERT_TRUE(window->unmap(range_of(freed.at, pages(4))).ok());
  MapCall foreign = call_of(page());
  foreign.hint = freed.at + pages(1);
  foreign.flags |= MAP_FIXED_NOREPLACE;
  ASSERT_EQ(kernel::map(foreign).address(), foreign.hint);
  memory(foreign.hint)[0] = 0x5a;
  const Placed moved =
      window->move({old.begin, pages(2), pages(4), MREMAP_MAYMOVE, {}}, Kind::kUnknown);
  EXPECT_EQ(memory(foreign.hint)[0], 0x5a);
  ASSERT_EQ(moved.failure, PlaceFailure::kNone) << "what lay inside leaves the window";
  EXPECT_EQ(memory(moved.at)[0], 3);
}

TEST_P(WindowAndHost, ShieldedPartsAreFoundOneAfterTheOther) {
  if (!shielded()) GTEST_SKIP() << "there are none";
  const Opened window(site());
  KernelResult r;
  ASSERT_TRUE(window->place_exactly(call_of(pages(2)), window.run(4).begin, r));
  ASSERT_TRUE(window->place_exactly(call_of(pages(1)), window.run(8).begin, r));
  const AddressRange whole = window.run(2, 8);
  EXPECT_EQ(window->shielded_part(whole, whole.begin), window.run(2, 2));
  EXPECT_EQ(window->shielded_part(whole, window.run(3).begin), window.run(3, 1));
  EXPECT_EQ(window->shielded_part(whole, window.run(4).begin), window.run(6, 2));
  EXPECT_EQ(window->shielded_part(whole, window.run(8).begin), window.run(9, 1));
  EXPECT_TRUE(window->shielded_part(whole, whole.end).empty());
  EXPECT_TRUE(window->shielded_part(window.run(4, 2), window.run(4).begin).empty());
  EXPECT_EQ(window
                ->shielded_part({window.run(2).begin + Bytes{1}, window.run(3).begin},
                                window.run(2).begin + Bytes{1})
                .end,
            window.run(3).begin);
}

TEST_P(WindowAndHost, UnshieldGivesEveryFreePageBackAndKeepsWhatIsLive) {
  const Opened window(site());
  Address live[40];
  for (unsigned i = 0; i < 40; ++i) {
    live[i] = window.place(pages(1 + i % 5), i % 2 == 0 ? Kind::kCode : Kind::kRwdata).at;
    memory(live[i])[0] = static_cast<unsigned char>(i);
  }
  for (unsigned i = 0; i < 40; i += 3) window->unmap(range_of(live[i], pages(1 + i % 5)));
  const Placed large = window.place(mib(4));
  ASSERT_TRUE(window->unmap(range_of(large.at, mib(4))).ok());
  window->unshield();
  EXPECT_FALSE(window->may_shield());
  EXPECT_EQ(mapped(window.range(), "---p"), Bytes{});
  EXPECT_FALSE(window->any_shielded(window.range()));
  for (unsigned i = 0; i < 40; ++i) ASSERT_TRUE(i % 3 == 0 || memory(live[i])[0] == i) << i;
  // And holds none again.
  const Placed again = window.place(mib(4));
  ASSERT_EQ(again.failure, PlaceFailure::kNone);
  ASSERT_TRUE(window->unmap(range_of(again.at, mib(4))).ok());
  EXPECT_EQ(mapped(window.range(), "---p"), Bytes{});
}

TEST_P(WindowAndHost, WindowThatOpensAfterTheHostSetALimitHoldsNothing) {
  const Site place = site();
  const auto window = std::make_unique<Window>();
  window->set_page_size(PageSize::of(page()));
  window->forbid_shield();
  ASSERT_TRUE(window->begin_opening());
  window->publish(place);
  EXPECT_EQ(mapped(place.layout.window), Bytes{});
  EXPECT_EQ(window->place(call_of(page()), Kind::kCode, page()).failure, PlaceFailure::kNone);
  kernel::unmap(place.layout.window);
}

TEST_P(WindowAndHost, AdjacentExtentsAreToldApart) {
  const Opened window(site());
  AddressRange extents[6];
  for (unsigned i = 0; i < 6; ++i) {
    extents[i] = range_of(window.place(pages(1 + i % 3)).at, pages(1 + i % 3));
    window->mark_extent(extents[i]);
  }
  for (const AddressRange& e : extents) {
    EXPECT_EQ(window->extent_at(e.begin), e);
    EXPECT_TRUE(window->extent_at(e.begin + Bytes{16}).empty());
  }
  EXPECT_TRUE(window->extent_at(extents[2].begin + page()).empty());
  ASSERT_TRUE(window->unmap(extents[2]).ok());
  EXPECT_TRUE(window->extent_at(extents[2].begin).empty());
  EXPECT_EQ(window->extent_at(extents[1].begin), extents[1]);
  EXPECT_EQ(window->extent_at(extents[3].begin), extents[3]);
}

TEST_P(WindowAndHost, ExtentWhoseTailWasUnmappedDoesNotReachIntoItsNeighbour) {
  const Opened window(site());
  const AddressRange upper = range_of(window.place(pages(2)).at, pages(2));
  const AddressRange lower = range_of(window.place(pages(2)).at, pages(2));
  window->mark_extent(upper);
  window->mark_extent(lower);
  ASSERT_TRUE(window->unmap({lower.begin + page(), lower.end}).ok());
  EXPECT_FALSE(window->extent_at(lower.begin).overlaps(upper));
  ASSERT_TRUE(window->unmap({upper.begin + page(), upper.end}).ok());
  EXPECT_TRUE(window->range().contains(window->extent_at(upper.begin)));
}

TEST_P(WindowAndHost, ExtentThatTheHostCarvedAwayLeavesNoTrace) {
  const Opened window(site());
  const AddressRange upper = range_of(window.place(pages(1)).at, pages(1));
  const AddressRange carved = range_of(window.place(pages(4)).at, pages(4));
  const AddressRange lower = range_of(window.place(pages(2)).at, pages(2));
  for (const AddressRange& e : {upper, carved, lower}) window->mark_extent(e);
  ASSERT_TRUE(window->unmap({carved.begin, carved.begin + page()}).ok());
  ASSERT_TRUE(window->unmap({carved.begin + page(), carved.end}).ok());
  EXPECT_EQ(window->extent_at(lower.begin), lower);
  EXPECT_EQ(window->extent_at(upper.begin), upper);
  ASSERT_TRUE(window->unmap(lower).ok());
  const AddressRange again = range_of(window.place(pages(6)).at, pages(6));
  ASSERT_EQ(again, (AddressRange{lower.begin, carved.end}));
  window->mark_extent(again);
  EXPECT_EQ(window->extent_at(again.begin), again);
  EXPECT_EQ(window->extent_at(upper.begin), upper);
}

TEST_P(WindowAndHost, RefusalLeavesTheWindowUsable) {
  const Opened window(site());
  for (const bool may_probe : {true, false}) {
    EXPECT_EQ(in_child([&] {
                window->be_frugal(!may_probe);
                const Address usual = window.range().end - pages(4);
                limit(RLIMIT_DATA, 4096);  // of 0, the kernel makes an exception
                for (int i = 0; i < 40; ++i) {
                  const Placed refused = window.place(pages(4));
                  if (refused.failure != PlaceFailure::kRefused || refused.error != ENOMEM)
                    return 1;
                }
                if (window->any_claimed(window.range())) return 2;
                limit(RLIMIT_DATA, RLIM_INFINITY);
                const Placed placed = window.place(pages(4));
                if (placed.failure != PlaceFailure::kNone) return 3;
                memory(placed.at)[pages(3).count] = 1;
                return placed.at == usual ? 0 : 4;
              }),
              0)
        << (may_probe ? "probing" : "not probing");
  }
}

TEST_P(WindowAndHost, NothingIsHeldAfterARefusalAndUnshield) {
  const Opened window(site());
  for (const bool may_probe : {true, false}) {
    EXPECT_EQ(in_child([&] {
                window->be_frugal(!may_probe);
                limit(RLIMIT_DATA, 4096);  // of 0, the kernel makes an exception
                if (window.place(pages(4)).failure != PlaceFailure::kRefused) return 1;
                limit(RLIMIT_DATA, RLIM_INFINITY);
                window->unshield();
                unsigned char resident[4];
                const AddressRange at{window.range().end - pages(4), window.range().end};
                return kernel::mincore(at, resident).ok() ? 2 : 0;
              }),
              0)
        << (may_probe ? "probing" : "not probing");
  }
}

}  // namespace
}  // namespace jitcorral
