#include "retry.h"

#include <gtest/gtest.h>

namespace jitcorral {
namespace {

constexpr std::uint64_t kSecond = Retry::kSecond;

TEST(Retry, IsDueAfterOneSecondThenAfterTwiceAsLongUpToAMinute) {
  Retry retry;
  std::uint64_t now = 100 * kSecond;
  EXPECT_TRUE(retry.claim(now));
  for (const std::uint64_t wait : {1U, 2U, 4U, 8U, 16U, 32U, 60U, 60U, 60U}) {
    EXPECT_FALSE(retry.is_due(now + wait * kSecond - 1)) << wait;
    EXPECT_FALSE(retry.claim(now + wait * kSecond - 1)) << wait;
    now += wait * kSecond;
    EXPECT_TRUE(retry.is_due(now)) << wait;
    EXPECT_TRUE(retry.claim(now)) << wait;
  }
}

TEST(Retry, IsOnesOfAllWhoAsk) {
  Retry retry;
  EXPECT_TRUE(retry.claim(5 * kSecond));
  EXPECT_FALSE(retry.claim(5 * kSecond));
  EXPECT_TRUE(retry.claim(6 * kSecond));
  EXPECT_FALSE(retry.claim(6 * kSecond));
}

TEST(Retry, WithoutAClockIsNeverDueOnceItWasClaimed) {
  Retry retry;
  EXPECT_TRUE(retry.claim(kSecond));
  EXPECT_FALSE(retry.is_due(0));
  EXPECT_FALSE(retry.claim(0));
}

TEST(Retry, BeginsAnewInAForkedChild) {
  Retry retry;
  for (int i = 1; i < 10; ++i) EXPECT_TRUE(retry.claim(i * 100 * kSecond));
  retry.forget();
  EXPECT_TRUE(retry.claim(1000 * kSecond));
  EXPECT_TRUE(retry.claim(1001 * kSecond));
}

}  // namespace
}  // namespace jitcorral
