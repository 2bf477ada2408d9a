// The worst layout on purpose: far apart, and extents known again.
#include "scatter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace jitcorral {
namespace {

constexpr AddressRange kSpace{{gib(4).count}, {(1ULL << 47) - gib(4).count}};

Bytes apart(Address a, Address b) {
  return a < b ? b - a : a - b;
}

TEST(ScatterTest, FirstSixteenPlacesArePairwiseOutOfReach) {
  for (std::uint64_t random = 0; random < 200; ++random)
    for (std::uint64_t a = 0; a < 16; ++a)
      for (std::uint64_t b = 0; b < a; ++b)
        ASSERT_GT(apart(scattered(kSpace, a, random, kib(4)), scattered(kSpace, b, random, kib(4))),
                  gib(4))
            << random;
}

TEST(ScatterTest, AnyTwoConsecutivePlacesAreOutOfTheReachOf32Bits) {
  for (std::uint64_t n = 0; n < 100000; ++n)
    ASSERT_GT(apart(scattered(kSpace, n, 1, kib(4)), scattered(kSpace, n + 1, 1, kib(4))), gib(2))
        << n;
}

TEST(ScatterTest, PlacesAreAlignedInsideAndReproducible) {
  for (std::uint64_t n = 0; n < 10000; ++n) {
    const Address at = scattered(kSpace, n, 42, mib(2));
    ASSERT_TRUE(is_aligned(at, mib(2)));
    ASSERT_TRUE(kSpace.contains(at));
    ASSERT_EQ(at, scattered(kSpace, n, 42, mib(2)));
  }
  EXPECT_NE(scattered(kSpace, 0, 1, kib(4)), scattered(kSpace, 0, 2, kib(4)));
}

TEST(ScatterTest, MapsWhereNothingIsAndFarFromTheLast) {
  const auto scatter = std::make_unique<Scatter>();
  // Of a kernel's mmap area, so that it holds on every address space of this ISA.
  const KernelResult top = kernel::reserve({}, mib(1), 0);
  kernel::unmap(range_of(top.address(), mib(1)));
  const AddressRange space{top.address() - gib(700), top.address() - gib(64)};
  const MapCall call{{}, kib(64), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
  std::vector<Address> placed;
  for (int i = 0; i < 16; ++i) {
    const KernelResult r = scatter->map(call, space, 3, kib(64));
    ASSERT_TRUE(r.ok());
    for (const Address& other : placed) EXPECT_GT(apart(r.address(), other), gib(4));
    placed.push_back(r.address());
    *reinterpret_cast<int*>(r.address().value) = i;
  }
  // The same sequence again steps over what is taken.
  const auto again = std::make_unique<Scatter>();
  for (int i = 0; i < 16; ++i) {
    const KernelResult r = again->map(call, space, 3, kib(64));
    ASSERT_TRUE(r.ok());
    kernel::unmap(range_of(r.address(), kib(64)));
  }
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(*reinterpret_cast<int*>(placed[static_cast<std::size_t>(i)].value), i);
  for (const Address& at : placed) kernel::unmap(range_of(at, kib(64)));
}

TEST(ScatterTest, NoPlaceInASpaceThatIsTooSmallIsAnError) {
  const auto scatter = std::make_unique<Scatter>();
  const MapCall call{{}, gib(1), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
  const KernelResult r =
      scatter->map(call, {{gib(4096).count}, {gib(4096).count + mib(1).count}}, 3, kib(64));
  EXPECT_EQ(r.error(), EEXIST);
}

TEST(ScatterTest, KernelsOwnRefusalIsPassedOn) {
  const auto scatter = std::make_unique<Scatter>();
  const MapCall call{{}, kib(64), PROT_READ, MAP_PRIVATE, -1, 0};
  EXPECT_EQ(scatter->map(call, kSpace, 3, kib(64)).error(), EBADF);
}

TEST(ScatterExtentsTest, ForgottenExtentsAreGoneAndOthersStay) {
  const auto scatter = std::make_unique<Scatter>();
  std::map<std::uint64_t, Bytes> model;
  std::mt19937_64 rng(9);
  for (int step = 0; step < 60000; ++step) {
    if (model.size() < 5000 && rng() % 5 < 3) {
      const Address begin{(1 + rng() % ((1ULL << 35) - 1)) << 12};
      const Bytes size{(1 + rng() % 5000) << 12};
      if (model.contains(begin.value)) continue;
      ASSERT_TRUE(scatter->remember(range_of(begin, size))) << model.size() << " are known";
      model[begin.value] = size;
    } else if (!model.empty()) {
      auto it = model.lower_bound(rng() % (1ULL << 47));
      if (it == model.end()) it = model.begin();
      ASSERT_EQ(scatter->extent_at({it->first}), range_of({it->first}, it->second));
      scatter->forget({it->first});
      ASSERT_TRUE(scatter->extent_at({it->first}).empty());
      model.erase(it);
    }
  }
  for (const auto& [begin, size] : model)
    ASSERT_EQ(scatter->extent_at({begin}), range_of({begin}, size));
  EXPECT_TRUE(scatter->extent_at({0}).empty());
}

TEST(ScatterExtentsTest, FullTableSaysSoAndLosesNothing) {
  const auto scatter = std::make_unique<Scatter>();
  std::vector<Address> known;
  bool refused = false;
  for (std::uint64_t i = 1; i <= 20000; ++i) {
    const Address begin{gib(i).count};
    if (scatter->remember(range_of(begin, kib(8)))) {
      known.push_back(begin);
    } else {
      refused = true;
      EXPECT_TRUE(scatter->extent_at(begin).empty());
    }
  }
  EXPECT_TRUE(refused);
  EXPECT_LE(known.size(), 8192U);
  EXPECT_GE(known.size(), 6000U);
  for (const Address& a : known) ASSERT_EQ(scatter->extent_at(a), range_of(a, kib(8)));
}

TEST(ScatterExtentsTest, ExtentThatIsTooLargeForTheBooksIsRefused) {
  const auto scatter = std::make_unique<Scatter>();
  EXPECT_TRUE(scatter->remember(range_of({gib(5).count}, gib(64) - kib(4))));
  EXPECT_EQ(scatter->extent_at({gib(5).count}).size(), gib(64) - kib(4));
  EXPECT_FALSE(scatter->remember(range_of({gib(200).count}, gib(64))));
  EXPECT_TRUE(scatter->extent_at({gib(200).count}).empty());
}

// The host unmapped the extent by itself, and its place is taken again.
TEST(ScatterExtentsTest, RememberingTheSamePlaceAgainReplacesIt) {
  const auto scatter = std::make_unique<Scatter>();
  const Address at{gib(7).count};
  ASSERT_TRUE(scatter->remember(range_of(at, kib(64))));
  ASSERT_TRUE(scatter->remember(range_of(at, kib(8))));
  EXPECT_EQ(scatter->extent_at(at), range_of(at, kib(8)));
  scatter->forget(at);
  EXPECT_TRUE(scatter->extent_at(at).empty());
}

TEST(ScatterExtentsTest, ThreadsKnowTheirOwnExtents) {
  const auto scatter = std::make_unique<Scatter>();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t who = 1; who <= 8; ++who) {
    threads.emplace_back([&, who] {
      for (std::uint64_t i = 0; i < 20000; ++i) {
        const Address begin{gib(who).count + ((i % 300) << 12)};
        if (!scatter->remember(range_of(begin, kib(4 * who)))) ++wrong;
        if (scatter->extent_at(begin).size() != kib(4 * who)) ++wrong;
        scatter->forget(begin);
        if (!scatter->extent_at(begin).empty()) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace jitcorral
