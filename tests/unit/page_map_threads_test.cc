// PageMap under threads: no page has two owners, and the books are right once all is quiet.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "page_map.h"

namespace jitcorral {
namespace {

PageRun run_of(std::uint32_t first, std::uint32_t length) {
  return {{first}, {length}};
}

// Where an address-ordered first fit over what is_claimed() says must go.
std::optional<PageRun> first_fit(const PageMap& map, std::uint32_t need, std::uint32_t capacity,
                                 End from) {
  std::uint32_t free = 0;
  for (std::uint32_t i = 0; i < capacity; ++i) {
    const std::uint32_t p = from == End::kLow ? i : capacity - 1 - i;
    free = map.is_claimed({p}) ? 0 : free + 1;
    if (free == need) return run_of(from == End::kLow ? p + 1 - need : p, need);
  }
  return std::nullopt;
}

class Owners {
 public:
  explicit Owners(std::uint32_t pages) : owners_(pages) {}
  void take(PageRun run, int who) {
    for (std::uint32_t p = run.first.value; p < run.end().value; ++p)
      if (owners_[p].exchange(who) != 0) ++twice;
  }
  void leave(PageRun run, int who) {
    for (std::uint32_t p = run.first.value; p < run.end().value; ++p)
      if (owners_[p].exchange(0) != who) ++twice;
  }
  std::atomic<int> twice{0};

 private:
  std::vector<std::atomic<int>> owners_;
};

// Claims and releases, whole and in part, then releases what `keep` does not hold back.
void churn(PageMap& map, Owners& owners, std::uint32_t capacity, std::uint32_t longest, int who,
           int steps, bool keep) {
  std::mt19937 rng(static_cast<std::uint32_t>(who));
  std::vector<PageRun> live;
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(rng() % n); };
  for (int step = 0; step < steps; ++step) {
    if (below(2) == 0 || live.empty()) {
      PageMap::Wanted w{
          {1 + below(longest)}, {capacity}, 1, 0, below(2) == 0 ? End::kLow : End::kHigh};
      if (below(4) == 0) w.alignment = 1U << below(6);
      const auto run = map.claim(w);
      if (!run) continue;
      owners.take(*run, who);
      live.push_back(*run);
    } else {
      const std::uint32_t i = below(static_cast<std::uint32_t>(live.size()));
      const PageRun run = live[i];
      live[i] = live.back();
      live.pop_back();
      const std::uint32_t cut = below(3) == 0 ? below(run.length.count) : 0;
      const PageRun part = run_of(run.first.value + cut, run.length.count - cut);
      owners.leave(part, who);
      map.release(part);
      if (cut > 0) live.push_back(run_of(run.first.value, cut));
    }
  }
  if (keep) return;
  for (const PageRun& run : live) {
    owners.leave(run, who);
    map.release(run);
  }
}

template <typename Body>
void in_threads(int n, Body body) {
  std::vector<std::thread> threads;
  for (int who = 1; who <= n; ++who) threads.emplace_back(body, who);
  for (std::thread& t : threads) t.join();
}

TEST(PageMapThreadsTest, NoPageIsEverOwnedTwice) {
  for (const std::uint32_t capacity : {640U, 9000U, 32768U}) {
    const auto map = std::make_unique<PageMap>();
    Owners owners(capacity);
    in_threads(8, [&](int who) { churn(*map, owners, capacity, 40, who, 8000, false); });
    EXPECT_EQ(owners.twice.load(), 0);
    EXPECT_FALSE(map->any_claimed(run_of(0, capacity)));
  }
}

TEST(PageMapThreadsTest, NoPageIsOwnedTwiceAmongRunsLongerThanAChunk) {
  constexpr std::uint32_t kCapacity = 32768;
  const auto map = std::make_unique<PageMap>();
  Owners owners(kCapacity);
  in_threads(8, [&](int who) { churn(*map, owners, kCapacity, 6000, who, 400, false); });
  EXPECT_EQ(owners.twice.load(), 0);
  EXPECT_FALSE(map->any_claimed(run_of(0, kCapacity)));
}

TEST(PageMapThreadsTest, AllIsFreeInOneRunWhenThreadsHaveGivenAllBack) {
  for (const std::uint32_t capacity : {4096U, 20000U}) {
    const auto map = std::make_unique<PageMap>();
    Owners owners(capacity);
    in_threads(4, [&](int who) { churn(*map, owners, capacity, 200, who, 5000, false); });
    EXPECT_EQ(map->claim({{capacity}, {capacity}, 1, 0, End::kLow}), run_of(0, capacity));
  }
}

// The summaries only steer the search, so a stale one shows as a place that is not the first.
void expect_first_fit_when_quiet(std::uint32_t longest, std::uint32_t seed) {
  constexpr std::uint32_t kCapacity = 32768;
  const auto map = std::make_unique<PageMap>();
  Owners owners(kCapacity);
  in_threads(8, [&](int who) {
    churn(*map, owners, kCapacity, longest, static_cast<int>(seed) * 16 + who, 3000, true);
  });
  std::mt19937 rng(seed);
  for (int i = 0; i < 200; ++i) {
    const auto need = 1 + static_cast<std::uint32_t>(rng() % longest);
    const End from = i % 2 == 0 ? End::kLow : End::kHigh;
    const auto expected = first_fit(*map, need, kCapacity, from);
    ASSERT_EQ(map->claim({{need}, {kCapacity}, 1, 0, from}), expected)
        << need << " pages, claim " << i;
  }
}

TEST(PageMapThreadsTest, EveryFreeRunIsFoundInOrderOnceAllIsQuiet) {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) expect_first_fit_when_quiet(60, seed);
}

TEST(PageMapThreadsTest, EveryLongFreeRunIsFoundInOrderOnceAllIsQuiet) {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) expect_first_fit_when_quiet(3000, seed);
}

// Losers of a claim hold pages for a moment; summaries that others made meanwhile must be mended.
TEST(PageMapThreadsTest, LostClaimsLeaveNoStaleSummaries) {
  for (int round = 0; round < 300; ++round) {
    const auto map = std::make_unique<PageMap>();
    ASSERT_TRUE(map->claim_exact(run_of(5 * 4096 - 1, 1)));
    in_threads(4, [&](int who) {
      for (int i = 0; i < 100; ++i) {
        if (who <= 2) {
          EXPECT_FALSE(map->claim_exact(run_of(0, 5 * 4096)));
        } else {
          const auto page = static_cast<std::uint32_t>((i * 7 + who) % 5);
          const PageRun run = run_of(page * 4096 + 4090 - static_cast<std::uint32_t>(who), 1);
          if (map->claim_exact(run)) map->release(run);
        }
      }
    });
    // All but one page is free, whatever was tried.
    ASSERT_EQ(map->claim({{4096}, {8 * 4096}, 1, 0, End::kLow}), run_of(0, 4096))
        << "round " << round;
  }
}

// While there is room for all, nobody is told that there is none.
TEST(PageMapThreadsTest, ClaimsThatFitNeverFail) {
  constexpr std::uint32_t kCapacity = 8 * 64;
  const auto map = std::make_unique<PageMap>();
  std::atomic<int> failed{0};
  in_threads(8, [&](int who) {
    for (int i = 0; i < 20000; ++i) {
      // Eight runs of 20 leave 352 of 512 pages free, in 9 pieces at most: one has 39 or more.
      const auto run = map->claim({{20}, {kCapacity}, 1, 0, who % 2 ? End::kLow : End::kHigh});
      if (!run) {
        ++failed;
        continue;
      }
      map->release(*run);
    }
  });
  EXPECT_EQ(failed.load(), 0);
}

}  // namespace
}  // namespace jitcorral
