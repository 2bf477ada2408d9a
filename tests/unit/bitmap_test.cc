// AtomicBitmap against a naive std::vector<bool>.
#include "bitmap.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace jitcorral {
namespace {

constexpr std::uint32_t kBits = 512;
using Bitmap = AtomicBitmap<kBits>;

PageRun run_of(std::uint32_t first, std::uint32_t length) {
  return {{first}, {length}};
}

class Model {
 public:
  void assign(PageRun run, bool value) {
    for (std::uint32_t p = run.first.value; p < run.end().value; ++p) bits_[p] = value;
  }
  std::uint32_t count(PageRun run) const {
    std::uint32_t n = 0;
    for (std::uint32_t p = run.first.value; p < run.end().value; ++p) n += bits_[p] ? 1U : 0U;
    return n;
  }
  std::uint32_t next(bool value, std::uint32_t from, std::uint32_t end) const {
    while (from < end && bits_[from] != value) ++from;
    return from;
  }
  std::uint32_t previous_end(bool value, std::uint32_t begin, std::uint32_t end) const {
    while (end > begin && bits_[end - 1] != value) --end;
    return end;
  }
  bool operator[](std::uint32_t p) const { return bits_[p]; }

 private:
  std::vector<bool> bits_ = std::vector<bool>(kBits);
};

PageRun random_run(std::mt19937& rng) {
  // Borders on and beside those of words are more likely than elsewhere.
  const auto point = [&]() -> std::uint32_t {
    if (rng() % 2 == 0) return static_cast<std::uint32_t>(rng() % (kBits + 1));
    const std::int64_t near = static_cast<std::int64_t>(rng() % 9) * 64 + (rng() % 3) - 1;
    return static_cast<std::uint32_t>(near < 0 ? 0 : near > kBits ? kBits : near);
  };
  const std::uint32_t a = point();
  const std::uint32_t b = point();
  return a < b ? run_of(a, b - a) : run_of(b, a - b);
}

void expect_equal(const Bitmap& bitmap, const Model& model) {
  for (std::uint32_t p = 0; p < kBits; ++p) ASSERT_EQ(bitmap.test({p}), model[p]) << "page " << p;
}

TEST(BitmapTest, StartsAllClear) {
  const Bitmap bitmap;
  EXPECT_FALSE(bitmap.any(run_of(0, kBits)));
  EXPECT_EQ(bitmap.next(true, {0}, {kBits}).value, kBits);
  EXPECT_EQ(bitmap.previous_end(true, {0}, {kBits}).value, 0U);
}

TEST(BitmapTest, AnEmptyRunHasAllAndNotAny) {
  Bitmap bitmap;
  bitmap.set(run_of(0, kBits));
  for (const std::uint32_t at : {0U, 1U, 63U, 64U, 65U, kBits}) {
    EXPECT_TRUE(bitmap.all(run_of(at, 0)));
    EXPECT_FALSE(bitmap.any(run_of(at, 0)));
    EXPECT_TRUE(bitmap.try_set(run_of(at, 0)));
    bitmap.clear(run_of(at, 0));
    EXPECT_EQ(bitmap.next(true, {at}, {at}).value, at);
    EXPECT_EQ(bitmap.previous_end(true, {at}, {at}).value, at);
  }
  EXPECT_TRUE(bitmap.all(run_of(0, kBits)));
}

TEST(BitmapTest, RunsThatEndOnWordBordersTouchNoNeighbour) {
  for (const std::uint32_t first : {0U, 1U, 63U, 64U, 65U, 127U, 128U}) {
    for (const std::uint32_t length : {1U, 2U, 63U, 64U, 65U, 127U, 128U, 129U}) {
      Bitmap bitmap;
      Model model;
      bitmap.set(run_of(first, length));
      model.assign(run_of(first, length), true);
      expect_equal(bitmap, model);
      EXPECT_TRUE(bitmap.all(run_of(first, length)));
      EXPECT_FALSE(bitmap.all(run_of(first, length + 1)));
      bitmap.clear(run_of(first, length));
      EXPECT_FALSE(bitmap.any(run_of(0, kBits)));
    }
  }
}

TEST(BitmapTest, FailedTrySetOverSeveralWordsLeavesAllAsItWas) {
  for (const std::uint32_t taken : {10U, 63U, 64U, 127U, 128U, 200U, 255U, 299U}) {
    Bitmap bitmap;
    Model model;
    bitmap.set(run_of(taken, 1));
    model.assign(run_of(taken, 1), true);
    EXPECT_FALSE(bitmap.try_set(run_of(5, 295)));
    expect_equal(bitmap, model);
  }
}

TEST(BitmapTest, RandomOperationsEqualTheModel) {
  for (const std::uint32_t seed : {1U, 2U, 3U, 4U, 5U}) {
    std::mt19937 rng(seed);
    Bitmap bitmap;
    Model model;
    for (int step = 0; step < 4000; ++step) {
      const PageRun run = random_run(rng);
      switch (rng() % 4) {
        case 0:
          bitmap.set(run);
          model.assign(run, true);
          break;
        case 1:
          bitmap.clear(run);
          model.assign(run, false);
          break;
        default: {
          const bool free = model.count(run) == 0;
          ASSERT_EQ(bitmap.try_set(run), free);
          if (free) model.assign(run, true);
        }
      }
      if (step % 8 == 0) expect_equal(bitmap, model);
      const PageRun asked = random_run(rng);
      ASSERT_EQ(bitmap.any(asked), model.count(asked) != 0);
      ASSERT_EQ(bitmap.all(asked), model.count(asked) == asked.length.count);
      for (const bool value : {false, true}) {
        ASSERT_EQ(bitmap.next(value, asked.first, asked.end()).value,
                  model.next(value, asked.first.value, asked.end().value));
        ASSERT_EQ(bitmap.previous_end(value, asked.first, asked.end()).value,
                  model.previous_end(value, asked.first.value, asked.end().value));
      }
    }
  }
}

TEST(BitmapTest, ThreadsThatClaimBySettingNeverShareABit) {
  const auto bitmap = std::make_unique<Bitmap>();
  std::vector<std::atomic<int>> owners(kBits);
  std::atomic<int> shared{0};
  std::vector<std::thread> threads;
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 rng(seed);
      for (int step = 0; step < 20000; ++step) {
        const std::uint32_t first = static_cast<std::uint32_t>(rng() % kBits);
        const std::uint32_t length = 1 + static_cast<std::uint32_t>(rng() % 150) % (kBits - first);
        if (!bitmap->try_set(run_of(first, length))) continue;
        for (std::uint32_t p = first; p < first + length; ++p)
          if (owners[p].fetch_add(1) != 0) shared.fetch_add(1);
        for (std::uint32_t p = first; p < first + length; ++p) owners[p].fetch_sub(1);
        bitmap->clear(run_of(first, length));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(shared.load(), 0);
  EXPECT_FALSE(bitmap->any(run_of(0, kBits)));
}

}  // namespace
}  // namespace jitcorral
