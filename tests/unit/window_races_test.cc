// What others do between two steps of the window.
#include "window_fixture_trap.h"

namespace jitcorral {
namespace {

using WindowRaces = WindowTest;
INSTANTIATE_TEST_SUITE_P(Modes, WindowRaces, testing::Bool(), [](const auto& mode) {
  return std::string(mode.param ? "shielded" : "bare");
});

constexpr int kNoFilters = 77;

TEST_P(WindowRaces, PlaceOfAnExtentThatIsBeingUnmappedIsItsNextOwners) {
  const Opened window(site());
  const AddressRange extent = range_of(window.place(pages(4)).at, pages(4));
  window->mark_extent(extent);
  const int step = in_child([&] {
    bool taken = false, ours = true;
    instead = [&](long, long) {
      // Unmapped, and at once another allocator's, whose free() asks whether it is ours.
      MapCall theirs = call_of(extent.size());
      theirs.hint = extent.begin;
      theirs.flags |= MAP_FIXED;
      taken = kernel::map(theirs).ok();
      ours = !window->extent_at(extent.begin).empty();
      return 0L;
    };
    if (!trap(SYS_munmap)) return kNoFilters;
    if (!window->unmap(extent).ok() || !taken) return 1;
    if (ours) return 2;
    return window->extent_at(extent.begin).empty() ? 0 : 3;
  });
  if (step == kNoFilters) GTEST_SKIP() << "no seccomp filter can be used here";
  EXPECT_EQ(step, 0);
}

TEST_P(WindowRaces, ExtentThatTheKernelDoesNotUnmapStaysOne) {
  const Opened window(site());
  const AddressRange extent = range_of(window.place(pages(4)).at, pages(4));
  window->mark_extent(extent);
  const int step = in_child([&] {
    instead = [&](long, long) { return -static_cast<long>(ENOMEM); };
    if (!trap(SYS_munmap)) return kNoFilters;
    if (window->unmap(extent).ok()) return 1;
    return window->extent_at(extent.begin) == extent ? 0 : 2;
  });
  if (step == kNoFilters) GTEST_SKIP() << "no seccomp filter can be used here";
  EXPECT_EQ(step, 0);
}

// The kernel unmapped what the call was to replace, then refused it.
TEST_P(WindowRaces, PlaceThatAFailedMapLeftToAStrangerIsNotReplaced) {
  if (!shielded()) GTEST_SKIP() << "nothing is replaced";
  Site old_kernel = site();
  old_kernel.atomic_fixed = false;
  const Opened window(old_kernel);
  const AddressRange at{window.range().end - pages(4), window.range().end};
  const int step = in_child([&] {
    bool taken = false;
    instead = [&](long, long) {
      taken = kernel::unmap(at).ok() && stranger_takes(at);
      return -static_cast<long>(ENOMEM);
    };
    if (!trap(SYS_mmap, MAP_FIXED)) return kNoFilters;
    if (window.place(pages(4)).failure != PlaceFailure::kRefused || !taken) return 1;
    if (window->any_shielded(at)) return 2;
    return *memory(at.begin) == 0x5a ? 0 : 3;
  });
  if (step == kNoFilters) GTEST_SKIP() << "no seccomp filter can be used here";
  EXPECT_EQ(step, 0);
}

TEST_P(WindowRaces, PlaceThatAFailedMoveLeftToAStrangerIsNotReplaced) {
  const Opened window(site());
  const AddressRange old = range_of(window.place(pages(2), Kind::kRwdata).at, pages(2));
  const AddressRange at{window.range().end - pages(4), window.range().end};
  const int step = in_child([&] {
    bool taken = false;
    instead = [&](long, long) {
      taken = kernel::unmap(at).ok() && stranger_takes(at);
      return -static_cast<long>(ENOMEM);
    };
    if (!trap(SYS_mremap)) return kNoFilters;
    const RemapCall call{old.begin, pages(2), pages(4), MREMAP_MAYMOVE, {}};
    if (window->move(call, Kind::kUnknown).failure != PlaceFailure::kRefused || !taken) return 1;
    if (window->any_shielded(at)) return 2;
    const Placed next = window.place(pages(4));
    return next.failure == PlaceFailure::kNone && *memory(at.begin) == 0x5a ? 0 : 3;
  });
  if (step == kNoFilters) GTEST_SKIP() << "no seccomp filter can be used here";
  EXPECT_EQ(step, 0);
}

// Two threads give the shield back, and one of them is done first; or the process forks meanwhile.
TEST_P(WindowRaces, ShieldIsBeingGivenBackUntilTheLastOfThemIsDone) {
  if (!shielded()) GTEST_SKIP() << "there is none";
  const Opened window(site());
  ASSERT_EQ(window.place(pages(1)).failure, PlaceFailure::kNone);
  const int step = in_child([&] {
    bool entered = false, still = false, after_fork = true;
    instead = [&](long begin, long size) {
      if (!entered) {
        entered = true;
        window->unshield();
        still = window->is_sweeping();
        window->forget_others();
        after_fork = window->is_sweeping();
      }
      // The filter traps munmap itself: made by its sibling.
      const MapCall gone{Address{static_cast<std::uint64_t>(begin)},
                         Bytes{static_cast<std::uint64_t>(size)},
                         PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                         -1,
                         0};
      return kernel::map(gone).ok() ? 0L : -1L;
    };
    if (!trap(SYS_munmap)) return kNoFilters;
    window->unshield();
    if (!entered) return 1;
    if (!still) return 2;
    if (after_fork) return 3;
    return window->is_sweeping() ? 4 : 0;
  });
  if (step == kNoFilters) GTEST_SKIP() << "no seccomp filter can be used here";
  EXPECT_EQ(step, 0);
}

// One page that is somebody else's, in a place of many: found in few looks, and little is lost.
TEST_P(WindowRaces, ForeignPageInALargePlaceIsFoundInFewCalls) {
  const Opened window(site(gib(1)));
  const Bytes size = mib(400);
  const Address at = window.place(size).at;
  ASSERT_TRUE(window->unmap(range_of(at, size)).ok());
  ASSERT_TRUE(stranger_takes(range_of(at + mib(123), page())));
  const int step = in_child([&] {
    int looks = 0;
    instead = [&](long begin, long length) {
      ++looks;
      MapCall other = call_of(page());
      other.hint = {static_cast<std::uint64_t>(begin)};
      const bool all =
          kernel::protect(range_of(other.hint, Bytes{static_cast<std::uint64_t>(length)}),
                          PROT_READ)
              .ok();
      return all ? 0L : -static_cast<long>(ENOMEM);
    };
    if (!trap(SYS_mincore)) return kNoFilters;
    if (window.place(size).failure != PlaceFailure::kNone) return 1;
    if (looks > 100) return 2;
    // Nothing but the stranger's own page is lost.
    if (!window->any_claimed(range_of(at + mib(123), page()))) return 3;
    if (window->any_claimed({at + mib(123) + page(), at + size})) return 4;
    return window.place(mib(200)).failure == PlaceFailure::kNone ? 0 : 5;
  });
  kernel::unmap(range_of(at, size));
  if (step == kNoFilters) GTEST_SKIP() << "no seccomp filter can be used here";
  EXPECT_EQ(step, 0);
}

}  // namespace
}  // namespace jitcorral
