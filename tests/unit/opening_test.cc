// Where the window opens, asked of the real kernel.
#include "opening.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <random>

#include "jitcorral/policy.h"

namespace jitcorral {
namespace {

AddressRange library(const char* name) {
  AddressRange all;
  FILE* maps = fopen("/proc/self/maps", "re");
  char line[512];
  while (maps != nullptr && fgets(line, sizeof line, maps) != nullptr) {
    AddressRange one;
    if (strstr(line, name) != nullptr &&
        sscanf(line, "%" SCNx64 "-%" SCNx64, &one.begin.value, &one.end.value) == 2)
      all = hull(all, one);
  }
  if (maps != nullptr) fclose(maps);
  return all;
}

int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// A process as the kernel lays a PIE out.
Surroundings usual(std::uint64_t random = 1) {
  Surroundings around;
  around.executable = range_of({0x555555554000}, mib(2));
  around.libraries = library("/libc.so");
  around.heap_end = around.executable.end + mib(1);
  around.random = random;
  return around;
}

Policy near(Near place, Bytes window = gib(2)) {
  Policy policy;
  policy.near = place;
  policy.window = window;
  return policy;
}

// What find_site() holds is given back at once.
std::optional<Site> found(const Policy& policy, const Surroundings& around,
                          bool may_shield = true) {
  const auto site = find_site(policy, around, may_shield);
  if (site && site->shielded) {
    EXPECT_TRUE(kernel::unmap(site->layout.window).ok());
  }
  return site;
}

void expect_sound(const std::optional<Site>& site, Bytes wanted) {
  ASSERT_TRUE(site.has_value());
  const AddressRange window = site->layout.window;
  EXPECT_TRUE(is_aligned(window.begin, kGrain) && is_aligned(window.end, kGrain));
  EXPECT_FALSE(window.empty());
  EXPECT_LE(window.size(), wanted);
  EXPECT_LT(window.size(), gib(2));
  EXPECT_LT(hull(window, site->anchor).size(), kMaxSpan)
      << std::hex << window.begin.value << "-" << window.end.value << " anchor "
      << site->anchor.begin.value << "-" << site->anchor.end.value;
}

TEST(OpeningTest, WindowBesideTheLibrariesSpansLessThanTheReach) {
  for (const Bytes wanted : {mib(1), mib(64), gib(1), gib(2)}) {
    for (std::uint64_t random = 0; random < 50; ++random) {
      const auto site = found(near(Near::kAuto, wanted), usual(random));
      ASSERT_NO_FATAL_FAILURE(expect_sound(site, wanted));
      EXPECT_TRUE(site->shielded);
      EXPECT_FALSE(site->kernel_first);
      EXPECT_FALSE(site->anchor.empty());
      EXPECT_FALSE(site->layout.window.overlaps(usual().libraries));
    }
  }
}

TEST(OpeningTest, ShieldedSiteIsMappedFromEndToEndAndNothingMoreIs) {
  const auto site = find_site(near(Near::kAuto), usual(), true);
  ASSERT_TRUE(site && site->shielded);
  const AddressRange window = site->layout.window;
  static unsigned char resident[mib(2).count];
  EXPECT_TRUE(kernel::mincore(window, resident).ok());
  const Bytes grain = kGrain;
  const AddressRange below{window.begin - grain, window.begin};
  EXPECT_FALSE(kernel::mincore(below, resident).ok()) << "an edge of the block was kept";
  kernel::unmap(window);
}

TEST(OpeningTest, SameSeedSameGapAndOtherSeedsOtherGaps) {
  int differ = 0;
  const auto first = found(near(Near::kAuto), usual(0));
  ASSERT_TRUE(first);
  for (std::uint64_t random = 0; random < 16; ++random) {
    const auto a = found(near(Near::kAuto), usual(random));
    const auto b = found(near(Near::kAuto), usual(random));
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->layout.window, b->layout.window);
    if (a->layout.window != first->layout.window) ++differ;
  }
  EXPECT_GE(differ, 12);
}

TEST(OpeningTest, LowWindowLiesBelowTwoGiB) {
  for (std::uint64_t random = 0; random < 50; ++random) {
    const auto site = found(near(Near::kLow, mib(256)), usual(random), false);
    ASSERT_NO_FATAL_FAILURE(expect_sound(site, mib(256)));
    EXPECT_LT(site->layout.window.end.value, gib(2).count);
    EXPECT_FALSE(site->shielded);
  }
}

TEST(OpeningTest, ExecutableThatLiesAloneHasItsWindowBesideIt) {
  for (std::uint64_t random = 0; random < 50; ++random) {
    for (const Bytes wanted : {mib(1), mib(300), gib(2)}) {
      Surroundings around = usual(random);
      const auto pie = found(near(Near::kExe, wanted), around);
      ASSERT_NO_FATAL_FAILURE(expect_sound(pie, wanted));
      EXPECT_LE(pie->layout.window.end, around.executable.begin);
      around.executable = range_of({0x400000}, mib(30));
      around.heap_end = around.executable.end + mib(200);
      const auto low = found(near(Near::kExe, wanted), around);
      ASSERT_NO_FATAL_FAILURE(expect_sound(low, wanted));
      EXPECT_GE(low->layout.window.begin, around.heap_end);
    }
  }
}

TEST(OpeningTest, AllocatorCallOpensBesideTheExecutable) {
  Surroundings around = usual();
  around.from_allocator = true;
  const auto site = found(near(Near::kAuto), around);
  ASSERT_TRUE(site);
  EXPECT_EQ(site->anchor, around.executable);
}

TEST(OpeningTest, ExecutableAmongTheLibrariesIsReachedTogetherWithThem) {
  Surroundings around = usual(3);
  around.executable = around.libraries;
  around.libraries = hull(library("/libstdc++.so"), around.libraries);
  const auto site = found(near(Near::kExe), around);
  ASSERT_NO_FATAL_FAILURE(expect_sound(site, gib(2)));
  EXPECT_TRUE(site->anchor.contains(around.libraries));
}

TEST(OpeningTest, WindowNearAnAddressReachesIt) {
  for (std::uint64_t random = 0; random < 20; ++random) {
    for (const std::uint64_t address : {0x7e8100000000ULL, 0x7e8234567123ULL}) {
      Policy policy = near(Near::kAddress, gib(1));
      policy.near_address = {address};
      const auto site = found(policy, usual(random));
      ASSERT_NO_FATAL_FAILURE(expect_sound(site, gib(1)));
      EXPECT_TRUE(hull(site->layout.window, site->anchor).contains(Address{address}));
    }
  }
}

TEST(OpeningTest, WindowNearANamedLibraryReachesIt) {
  Surroundings around = usual();
  around.named = library("/libstdc++.so");
  if (around.named.empty()) GTEST_SKIP() << "linked statically";
  const auto site = found(near(Near::kLibrary), around);
  ASSERT_NO_FATAL_FAILURE(expect_sound(site, gib(2)));
  EXPECT_EQ(site->anchor, around.named);
  // None of that name: as if nothing had been said.
  const auto automatic = found(near(Near::kLibrary), usual());
  ASSERT_TRUE(automatic);
  EXPECT_EQ(automatic->anchor, usual().libraries);
}

TEST(OpeningTest, WindowNearNothingIsAnywhere) {
  const auto site = found(near(Near::kNone), usual());
  ASSERT_NO_FATAL_FAILURE(expect_sound(site, gib(2)));
  EXPECT_TRUE(site->shielded);
  EXPECT_TRUE(site->anchor.empty());
}

TEST(OpeningTest, WithoutAShieldTheWindowIsDrawnAroundProbeAndAnchor) {
  std::mt19937_64 rng(7);
  for (int i = 0; i < 5000; ++i) {
    const Bytes wanted = mib(1 + rng() % 2048);
    Surroundings around = usual();
    const Bytes apart = kib(4 * (rng() % (gib(2).count / 4096)));
    const Bytes size = kib(4 * (1 + rng() % 256));
    around.probe = rng() % 2 == 0 ? range_of(around.libraries.begin - apart - size, size)
                                  : range_of(around.libraries.end + apart, size);
    const auto site = find_site(near(Near::kAuto, wanted), around, false);
    if (!site) continue;
    EXPECT_FALSE(site->shielded);
    EXPECT_TRUE(site->kernel_first);
    EXPECT_TRUE(site->layout.window.contains(around.probe));
    if (!within_span(around.probe, around.libraries)) continue;
    ASSERT_NO_FATAL_FAILURE(expect_sound(site, wanted));
    ASSERT_FALSE(HasFailure()) << "wanted " << wanted.count << " apart " << apart.count;
  }
}

TEST(OpeningTest, ProbeIsNeededWhereNothingMayBeHeld) {
  EXPECT_FALSE(needs_probe(near(Near::kAuto), usual(), true));
  EXPECT_TRUE(needs_probe(near(Near::kAuto), usual(), false));
  EXPECT_FALSE(needs_probe(near(Near::kLow), usual(), false));
  EXPECT_FALSE(needs_probe(near(Near::kExe), usual(), false));
  Surroundings blind = usual();
  blind.limits_known = false;
  EXPECT_TRUE(needs_probe(near(Near::kAuto), blind, true));
  EXPECT_FALSE(find_site(near(Near::kAuto), usual(), false).has_value());
}

TEST(OpeningTest, ProbeIsNeededUnderALimitOfAddressSpace) {
  const Surroundings around = usual();
  EXPECT_EQ(in_child([&] {
              struct rlimit limit = {};
              if (getrlimit(RLIMIT_AS, &limit) != 0) return 1;
              limit.rlim_cur = gib(1ULL << 15).count;
              if (setrlimit(RLIMIT_AS, &limit) != 0) return 2;
              if (!needs_probe(near(Near::kAuto), around, true)) return 3;
              if (!needs_probe(near(Near::kNone), around, true)) return 4;
              if (needs_probe(near(Near::kLow), around, true)) return 5;
              if (needs_probe(near(Near::kExe), around, true)) return 6;
              return 0;
            }),
            0);
}

// The one block that is found may be small, but it is within reach, or anywhere with no anchor.
TEST(OpeningTest, CrowdedNeighbourhoodStillGivesASoundWindow) {
  const Surroundings around = usual(2);
  EXPECT_EQ(in_child([&] {
              // 1.5 GiB below the libraries are taken, as a large host would.
              for (int i = 0; i < 3; ++i)
                if (!kernel::reserve({}, mib(512), 0).ok()) return 1;
              const auto site = find_site(near(Near::kAuto), around, true);
              if (!site) return 2;
              return hull(site->layout.window, site->anchor).size() < kMaxSpan ? 0 : 3;
            }),
            0);
}

}  // namespace
}  // namespace jitcorral
