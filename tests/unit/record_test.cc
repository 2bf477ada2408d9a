#include "record.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace jitcorral {
namespace {

void expect_all_zero(const Record& record) {
  const jitcorral_counters c = record.totals();
  EXPECT_EQ(c.steered + c.passed + c.fell_back + c.failed + c.would_steer + c.given_back, 0U);
  for (std::size_t r = 0; r < static_cast<std::size_t>(PassReason::kCount); ++r)
    EXPECT_EQ(record.passed_for(static_cast<PassReason>(r)), 0U);
  for (std::size_t i = 0; i < GlobList::kMaxGlobs; ++i)
    EXPECT_EQ(record.glob_matches(true, i) + record.glob_matches(false, i), 0U);
}

TEST(Record, BeginsAtZero) {
  expect_all_zero(*std::make_unique<Record>());
}

TEST(Record, EachEventCountsInItsOwnCounter) {
  Record record;
  const auto times = [](int n, auto note) {
    while (n-- > 0) note();
  };
  times(1, [&] { record.note_steered(); });
  times(2, [&] { record.note_fell_back(); });
  times(3, [&] { record.note_failed(); });
  times(4, [&] { record.note_would_steer(); });
  times(5, [&] { record.note_given_back(); });
  times(6, [&] { record.note_passed(PassReason::kFixed); });
  const jitcorral_counters c = record.totals();
  EXPECT_EQ(c.steered, 1U);
  EXPECT_EQ(c.fell_back, 2U);
  EXPECT_EQ(c.failed, 3U);
  EXPECT_EQ(c.would_steer, 4U);
  EXPECT_EQ(c.given_back, 5U);
  EXPECT_EQ(c.passed, 6U);
}

TEST(Record, PassedIsTheSumOfItsReasons) {
  Record record;
  constexpr auto kReasons = static_cast<std::size_t>(PassReason::kCount);
  for (std::size_t r = 0; r < kReasons; ++r)
    for (std::size_t n = 0; n <= r; ++n) record.note_passed(static_cast<PassReason>(r));
  for (std::size_t r = 0; r < kReasons; ++r)
    EXPECT_EQ(record.passed_for(static_cast<PassReason>(r)), r + 1);
  EXPECT_EQ(record.totals().passed, kReasons * (kReasons + 1) / 2);
}

TEST(Record, GlobsOfBothListsCountApart) {
  Record record;
  for (std::size_t i = 0; i < GlobList::kMaxGlobs; ++i) {
    for (std::size_t n = 0; n <= i; ++n) record.note_glob(true, i);
    record.note_glob(false, i);
  }
  for (std::size_t i = 0; i < GlobList::kMaxGlobs; ++i) {
    EXPECT_EQ(record.glob_matches(true, i), i + 1);
    EXPECT_EQ(record.glob_matches(false, i), 1U);
  }
}

TEST(Record, ResetLeavesNothing) {
  Record record;
  record.note_steered();
  record.note_fell_back();
  record.note_failed();
  record.note_would_steer();
  record.note_given_back();
  for (std::size_t r = 0; r < static_cast<std::size_t>(PassReason::kCount); ++r)
    record.note_passed(static_cast<PassReason>(r));
  for (std::size_t i = 0; i < GlobList::kMaxGlobs; ++i) {
    record.note_glob(true, i);
    record.note_glob(false, i);
  }
  record.reset();
  expect_all_zero(record);
  record.note_steered();
  EXPECT_EQ(record.totals().steered, 1U);
}

TEST(Record, ThreadsLoseNoEvent) {
  Record record;
  constexpr int kThreads = 24, kEach = 5000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&record] {
      for (int i = 0; i < kEach; ++i) {
        record.note_steered();
        record.note_passed(PassReason::kCaller);
        record.note_given_back();
        record.note_glob(true, 3);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  constexpr auto kTotal = static_cast<std::uint64_t>(kThreads) * kEach;
  EXPECT_EQ(record.totals().steered, kTotal);
  EXPECT_EQ(record.totals().passed, kTotal);
  EXPECT_EQ(record.totals().given_back, kTotal);
  EXPECT_EQ(record.passed_for(PassReason::kCaller), kTotal);
  EXPECT_EQ(record.glob_matches(true, 3), kTotal);
}

TEST(Record, ReasonNamesAreThereAndDiffer) {
  for (const char* a : kPassReasonNames) {
    EXPECT_GT(std::strlen(a), 0U);
    for (const char* b : kPassReasonNames) EXPECT_TRUE(a == b || std::strcmp(a, b) != 0);
  }
}

}  // namespace
}  // namespace jitcorral
