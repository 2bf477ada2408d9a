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
  if (step == kNoFilters) GTEST_SKIP() << "this kernel takes no seccomp filter";
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
  if (step == kNoFilters) GTEST_SKIP() << "this kernel takes no seccomp filter";
  EXPECT_EQ(step, 0);
}

}  // namespace
}  // namespace jitcorral
