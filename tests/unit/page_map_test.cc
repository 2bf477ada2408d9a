// PageMap against a naive address-ordered first fit over a std::vector<bool>.
#include "page_map.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace jitcorral {
namespace {

PageRun run_of(std::uint32_t first, std::uint32_t length) {
  return {{first}, {length}};
}

class NaiveMap {
 public:
  explicit NaiveMap(std::uint32_t capacity) : taken_(capacity) {}

  void assign(PageRun run, bool value) {
    for (std::uint32_t p = run.first.value; p < run.end().value; ++p) taken_[p] = value;
  }
  bool is_free(PageRun run) const {
    for (std::uint32_t p = run.first.value; p < run.end().value; ++p)
      if (taken_[p]) return false;
    return true;
  }
  bool operator[](std::uint32_t p) const { return taken_[p]; }

  std::optional<PageRun> first_fit(const PageMap::Wanted& w) const {
    const std::uint32_t need = w.length.count;
    if (need == 0 || need > w.capacity.count) return std::nullopt;
    // Free pages that end at p, counted once: every start is then judged by one number.
    const std::uint32_t last = w.capacity.count - need;
    std::uint32_t free = 0;
    if (w.from == End::kLow) {
      for (std::uint32_t p = 0; p < w.capacity.count; ++p) {
        free = taken_[p] ? 0 : free + 1;
        if (free >= need && (p + 1 - need + w.phase) % w.alignment == 0)
          return run_of(p + 1 - need, need);
      }
    } else {
      for (std::uint32_t p = w.capacity.count; p-- > 0;) {
        free = taken_[p] ? 0 : free + 1;
        if (free >= need && p <= last && (p + w.phase) % w.alignment == 0) return run_of(p, need);
      }
    }
    return std::nullopt;
  }

 private:
  std::vector<bool> taken_;
};

PageMap::Wanted wanted(std::uint32_t length, std::uint32_t capacity, End from) {
  return {{length}, {capacity}, 1, 0, from};
}

TEST(PageMapTest, FirstClaimsAreAtTheEndThatWasAskedFor) {
  const auto map = std::make_unique<PageMap>();
  EXPECT_EQ(map->claim(wanted(10, 5000, End::kLow)), run_of(0, 10));
  EXPECT_EQ(map->claim(wanted(10, 5000, End::kHigh)), run_of(4990, 10));
  EXPECT_EQ(map->claim(wanted(1, 5000, End::kLow)), run_of(10, 1));
  EXPECT_EQ(map->claim(wanted(1, 5000, End::kHigh)), run_of(4989, 1));
}

TEST(PageMapTest, NothingAndMoreThanCapacityAreNotClaimed) {
  const auto map = std::make_unique<PageMap>();
  for (const End from : {End::kLow, End::kHigh}) {
    EXPECT_EQ(map->claim(wanted(0, 100, from)), std::nullopt);
    EXPECT_EQ(map->claim(wanted(101, 100, from)), std::nullopt);
    EXPECT_EQ(map->claim(wanted(1, 0, from)), std::nullopt);
  }
  EXPECT_FALSE(map->any_claimed(run_of(0, PageMap::kMaxPages)));
}

TEST(PageMapTest, FreeingTheMiddleLeavesTwoRuns) {
  const auto map = std::make_unique<PageMap>();
  ASSERT_TRUE(map->claim_exact(run_of(100, 30)));
  map->release(run_of(110, 10));
  EXPECT_TRUE(map->is_claimed({109}));
  EXPECT_FALSE(map->any_claimed(run_of(110, 10)));
  EXPECT_TRUE(map->is_claimed({120}));
  ASSERT_TRUE(map->claim_exact(run_of(0, 100)));
  EXPECT_EQ(map->claim(wanted(10, 200, End::kLow)), run_of(110, 10));
}

TEST(PageMapTest, ClaimExactTakesAllOrNothing) {
  const auto map = std::make_unique<PageMap>();
  ASSERT_TRUE(map->claim_exact(run_of(9000, 1)));
  EXPECT_FALSE(map->claim_exact(run_of(1000, 9000)));
  EXPECT_FALSE(map->any_claimed(run_of(0, 9000)));
  EXPECT_FALSE(map->any_claimed(run_of(9001, 2000)));
  EXPECT_FALSE(map->claim_exact(run_of(PageMap::kMaxPages - 1, 2)));
  EXPECT_TRUE(map->claim_exact(run_of(PageMap::kMaxPages - 1, 1)));
}

TEST(PageMapTest, OccupyTakesWhatIsFreeAndKeepsWhatIsTaken) {
  const auto map = std::make_unique<PageMap>();
  ASSERT_TRUE(map->claim_exact(run_of(4090, 10)));
  map->occupy(run_of(4000, 200));
  EXPECT_EQ(map->claim(wanted(4001, 8200, End::kLow)), std::nullopt);
  EXPECT_EQ(map->claim(wanted(4000, 8200, End::kLow)), run_of(0, 4000));
  EXPECT_EQ(map->claim(wanted(4000, 8200, End::kHigh)), run_of(4200, 4000));
  EXPECT_EQ(map->claim(wanted(1, 8200, End::kLow)), std::nullopt);
  map->release(run_of(4095, 2));
  EXPECT_EQ(map->claim(wanted(2, 8200, End::kHigh)), run_of(4095, 2));
}

TEST(PageMapTest, RunsLongerThanAChunkAreFoundAcrossItsBorders) {
  for (const End from : {End::kLow, End::kHigh}) {
    const auto map = std::make_unique<PageMap>();
    constexpr std::uint32_t kCapacity = 10 * 4096;
    // One free run of 9000 pages that begins and ends inside chunks.
    map->occupy(run_of(0, kCapacity));
    map->release(run_of(5001, 9000));
    map->release(run_of(100, 3900));
    map->release(run_of(30000, 4096));
    EXPECT_EQ(map->claim(wanted(9001, kCapacity, from)), std::nullopt);
    EXPECT_EQ(map->claim(wanted(9000, kCapacity, from)), run_of(5001, 9000));
    EXPECT_EQ(map->claim(wanted(4096, kCapacity, from)), run_of(30000, 4096));
  }
}

TEST(PageMapTest, WholeWindowCanBeClaimedOnceAndAgainAfterRelease) {
  for (const std::uint32_t capacity :
       {1U, 63U, 64U, 65U, 4095U, 4096U, 4097U, 32768U, 131072U, 524288U}) {
    for (const End from : {End::kLow, End::kHigh}) {
      const auto map = std::make_unique<PageMap>();
      EXPECT_EQ(map->claim(wanted(capacity, capacity, from)), run_of(0, capacity));
      EXPECT_EQ(map->claim(wanted(1, capacity, from)), std::nullopt);
      map->release(run_of(capacity / 2, 1));
      EXPECT_EQ(map->claim(wanted(1, capacity, from)), run_of(capacity / 2, 1));
      map->release(run_of(0, capacity));
      EXPECT_EQ(map->claim(wanted(capacity, capacity, from)), run_of(0, capacity));
    }
  }
}

TEST(PageMapTest, AlignmentCountsFromThePhase) {
  const auto map = std::make_unique<PageMap>();
  PageMap::Wanted w{{512}, {4096}, 512, 3, End::kLow};
  EXPECT_EQ(map->claim(w), run_of(509, 512));
  w.from = End::kHigh;
  EXPECT_EQ(map->claim(w), run_of(3581, 512));
}

struct Shape {
  std::uint32_t capacity;
  std::uint32_t longest;  // of a usual request
  int steps;
};

class PageMapModelTest : public testing::TestWithParam<Shape> {};

TEST_P(PageMapModelTest, RandomClaimsEqualNaiveFirstFit) {
  const Shape shape = GetParam();
  for (const std::uint32_t seed : {11U, 12U, 13U}) {
    std::mt19937 rng(seed);
    const auto map = std::make_unique<PageMap>();
    NaiveMap model(shape.capacity);
    std::vector<PageRun> live;
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(rng() % n); };
    for (int step = 0; step < shape.steps; ++step) {
      const std::uint32_t what = below(16);
      if (what < 9 || live.empty()) {
        PageMap::Wanted w = wanted(1 + below(shape.longest), shape.capacity,
                                   below(2) == 0 ? End::kLow : End::kHigh);
        if (below(4) == 0) w.length.count = 1 + below(4);
        if (below(20) == 0) w.length.count = 1 + below(shape.capacity);
        if (below(3) == 0) {
          w.alignment = 1U << below(11);
          w.phase = below(w.alignment);
        }
        const auto expected = model.first_fit(w);
        const auto got = map->claim(w);
        ASSERT_EQ(got, expected) << "seed " << seed << " step " << step << " length "
                                 << w.length.count << " alignment " << w.alignment << " phase "
                                 << w.phase << (w.from == End::kLow ? " low" : " high");
        if (got) {
          model.assign(*got, true);
          live.push_back(*got);
        }
      } else if (what < 14) {
        const std::uint32_t i = below(static_cast<std::uint32_t>(live.size()));
        const PageRun run = live[i];
        live[i] = live.back();
        live.pop_back();
        // All of it, or a part: the rest stays claimed as one or two runs.
        const std::uint32_t from = below(2) == 0 ? 0 : below(run.length.count);
        const std::uint32_t length =
            from == 0 && below(2) == 0 ? run.length.count : 1 + below(run.length.count - from);
        const PageRun part = run_of(run.first.value + from, length);
        map->release(part);
        model.assign(part, false);
        if (from > 0) live.push_back(run_of(run.first.value, from));
        if (part.end() < run.end()) live.push_back({part.end(), run.end() - part.end()});
      } else {
        const std::uint32_t first = below(shape.capacity);
        const PageRun run = run_of(first, 1 + below(shape.capacity - first) % shape.longest);
        if (what == 14) {
          const bool free = model.is_free(run);
          ASSERT_EQ(map->claim_exact(run), free);
          if (free) {
            model.assign(run, true);
            live.push_back(run);
          }
        } else {
          map->occupy(run);
          model.assign(run, true);
          live.push_back(run);
        }
      }
    }
    for (std::uint32_t p = 0; p < shape.capacity; ++p)
      ASSERT_EQ(map->is_claimed({p}), model[p]) << "page " << p;
  }
}

INSTANTIATE_TEST_SUITE_P(Capacities, PageMapModelTest,
                         testing::Values(Shape{524288, 20000, 250}, Shape{131072, 6000, 500},
                                         Shape{32768, 3000, 800}, Shape{1, 1, 100},
                                         Shape{2, 2, 200}, Shape{63, 9, 1500}, Shape{64, 9, 1500},
                                         Shape{65, 9, 1500}, Shape{100, 20, 1500},
                                         Shape{4095, 300, 1500}, Shape{4096, 300, 1500},
                                         Shape{4097, 300, 1500}, Shape{8191, 5000, 1500},
                                         Shape{12345, 5000, 1500}));

}  // namespace
}  // namespace jitcorral
