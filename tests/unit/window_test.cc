// The window against the real kernel, in this process; nothing is hooked.
#include "window.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "jitcorral/policy.h"
#include "modules.h"
#include "opening.h"

namespace jitcorral {
namespace {

Bytes page() {
  return {static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))};
}
Bytes pages(std::uint64_t n) {
  return {page().count * n};
}

unsigned char* memory(Address a) {
  return reinterpret_cast<unsigned char*>(a.value);
}

// Bytes of `r` that are mapped with these permissions ("" for any).
Bytes mapped(AddressRange r, const char* permissions = "") {
  Bytes sum{};
  FILE* maps = fopen("/proc/self/maps", "re");
  char line[512];
  while (maps != nullptr && fgets(line, sizeof line, maps) != nullptr) {
    AddressRange one;
    char flags[8] = "";
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &one.begin.value, &one.end.value, flags) != 3)
      continue;
    if (strncmp(flags, permissions, strlen(permissions)) == 0)
      sum = sum + intersection(r, one).size();
  }
  if (maps != nullptr) fclose(maps);
  return sum;
}

AddressRange libc() {
  AddressRange all;
  FILE* maps = fopen("/proc/self/maps", "re");
  char line[512];
  while (maps != nullptr && fgets(line, sizeof line, maps) != nullptr) {
    AddressRange one;
    if (strstr(line, "/libc.so") != nullptr &&
        sscanf(line, "%" SCNx64 "-%" SCNx64, &one.begin.value, &one.end.value) == 2)
      all = hull(all, one);
  }
  if (maps != nullptr) fclose(maps);
  return all;
}

constexpr Bytes kSize = mib(64);

Site reserved_site(Bytes size = kSize) {
  Policy policy;
  policy.window = size;
  Surroundings around;
  around.libraries = libc();
  around.random = 5;
  around.atomic_fixed = modules::kernel_version() >= (6U << 16 | 12U << 8);
  const auto site = find_site(policy, around, true);
  EXPECT_TRUE(site && site->shielded);
  return site ? *site : Site{};
}

// Nothing is mapped there, and the kernel would not place anything there by itself.
Site bare_site(Bytes size = kSize) {
  const KernelResult top = kernel::reserve({}, mib(1), 0);
  kernel::unmap(range_of(top.address(), mib(1)));
  const Address begin = round_down(top.address() - gib(64), mib(2));
  return {{range_of(begin, size), true}, {}, false, false};
}

MapCall call_of(Bytes length, int prot = PROT_READ | PROT_WRITE) {
  return {{}, length, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
}

// A window that gives its whole range back to the kernel at the end.
class Opened {
 public:
  explicit Opened(const Site& site) : range_(site.layout.window) {
    window_->set_page_size(PageSize::of(page()));
    EXPECT_TRUE(window_->begin_opening());
    window_->publish(site);
  }
  ~Opened() { kernel::unmap(range_); }
  Window* operator->() const { return window_.get(); }
  Placed place(Bytes length, Kind kind = Kind::kCode) const {
    return window_->place(call_of(length), kind, page());
  }
  AddressRange range() const { return range_; }
  // The n-th page, and a run of them.
  AddressRange run(std::uint64_t first, std::uint64_t n = 1) const {
    return range_of(range_.begin + pages(first), pages(n));
  }

 private:
  std::unique_ptr<Window> window_ = std::make_unique<Window>();
  AddressRange range_;
};

// Runs the body in a child, which may not allocate; 0 is success, all else a step's number.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void limit(int resource, rlim_t soft) {
  struct rlimit now = {};
  getrlimit(static_cast<__rlimit_resource>(resource), &now);
  now.rlim_cur = soft;
  setrlimit(static_cast<__rlimit_resource>(resource), &now);
}

class WindowTest : public testing::TestWithParam<bool> {
 protected:
  static bool shielded() { return GetParam(); }
  static Site site(Bytes size = kSize) {
    return shielded() ? reserved_site(size) : bare_site(size);
  }
};

INSTANTIATE_TEST_SUITE_P(Modes, WindowTest, testing::Bool(), [](const auto& mode) {
  return std::string(mode.param ? "shielded" : "bare");
});

TEST_P(WindowTest, ClosedWindowHoldsNothing) {
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

TEST_P(WindowTest, RangeIsWhatWasPublishedAndAShieldHoldsAllOfIt) {
  const Site place = site();
  const Opened window(place);
  EXPECT_EQ(window->range(), place.layout.window);
  EXPECT_EQ(mapped(window.range(), "---p"), shielded() ? kSize : Bytes{});
  EXPECT_EQ(window->any_shielded(window.range()), shielded());
}

TEST_P(WindowTest, FreedPlaceComesBackZeroed) {
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

TEST_P(WindowTest, UnmappingTheMiddleFreesOnlyTheMiddle) {
  const Opened window(site());
  const Address at = window.place(pages(9)).at;
  memset(memory(at), 7, pages(9).count);
  ASSERT_TRUE(window->unmap(range_of(at + pages(3), pages(3))).ok());
  EXPECT_EQ(memory(at)[0], 7);
  EXPECT_EQ(memory(at + pages(9))[-1], 7);
  EXPECT_EQ(window.place(pages(3)).at, at + pages(3));
  EXPECT_EQ(memory(at + pages(3))[0], 0);
}

TEST_P(WindowTest, CodeAndDataGoToOppositeEnds) {
  const Opened window(site());
  const AddressRange all = window.range();
  EXPECT_EQ(window.place(pages(2), Kind::kCode).at, all.end - pages(2));
  EXPECT_EQ(window.place(pages(2), Kind::kRodata).at, all.begin);
  EXPECT_EQ(window.place(pages(2), Kind::kMixed).at, all.end - pages(4));
  EXPECT_EQ(window.place(pages(2), Kind::kRwdata).at, all.begin + pages(2));
  EXPECT_EQ(window.place(pages(2), Kind::kUnknown).at, all.end - pages(6));
}

TEST_P(WindowTest, CodeIsAtTheLowEndWhereThatIsFarFromTheAnchor) {
  Site low = site();
  low.layout.code_at_high_end = false;
  const Opened window(low);
  EXPECT_EQ(window.place(pages(2), Kind::kCode).at, window.range().begin);
  EXPECT_EQ(window.place(pages(2), Kind::kRwdata).at, window.range().end - pages(2));
}

TEST_P(WindowTest, AlignmentIsOfTheAddress) {
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

TEST_P(WindowTest, FullWindowSaysSoAndHasRoomAgainAfterAnUnmap) {
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

TEST_P(WindowTest, UnmappedPagesAreBareWhateverTheirNumber) {
  const Opened window(site());
  const Placed big = window.place(mib(3));
  memset(memory(big.at), 1, mib(3).count);
  ASSERT_TRUE(window->unmap(range_of(big.at, mib(3))).ok());
  EXPECT_EQ(mapped(range_of(big.at, mib(3))), Bytes{});
  const Placed again = window.place(mib(3));
  EXPECT_EQ(again.at, big.at);
  EXPECT_EQ(memory(again.at)[mib(2).count], 0);
}

TEST_P(WindowTest, UnmapOverShieldBareAndMappedPagesFreesAllAndKeepsTheShield) {
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

TEST_P(WindowTest, UnmapThatBeginsOutsideFreesBothParts) {
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

TEST_P(WindowTest, ForeignPageIsNeverOverwrittenAndAnotherPlaceIsTaken) {
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

TEST_P(WindowTest, FreePagesBesideAForeignPageAreNotLost) {
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

TEST_P(WindowTest, PlaceExactlyTakesShieldedPagesOnly) {
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

TEST_P(WindowTest, HostMapsAtAFixedPlaceAndOwnsIt) {
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

TEST_P(WindowTest, LiftThatTheKernelThenRefusedLeavesThePagesFree) {
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

TEST_P(WindowTest, MoveKeepsContentsAndGrows) {
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

TEST_P(WindowTest, MoveOfSomethingUnmappedIsRefusedAndCostsNoPage) {
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

TEST_P(WindowTest, MoveTakesAnotherPlaceWhereSomebodyElseIs) {
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

TEST_P(WindowTest, ShieldedPartsAreFoundOneAfterTheOther) {
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

TEST_P(WindowTest, UnshieldGivesEveryFreePageBackAndKeepsWhatIsLive) {
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

TEST_P(WindowTest, WindowThatOpensAfterTheHostSetALimitHoldsNothing) {
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

TEST_P(WindowTest, AdjacentExtentsAreToldApart) {
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

TEST_P(WindowTest, ExtentWhoseTailWasUnmappedDoesNotReachIntoItsNeighbour) {
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

TEST_P(WindowTest, RefusalLeavesTheWindowUsable) {
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

TEST_P(WindowTest, NothingIsHeldAfterARefusalAndUnshield) {
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
