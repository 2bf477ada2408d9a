// What `compare` makes of runs: figures, and outputs that differ by themselves.
#include <gtest/gtest.h>

#include "command/figures.h"
#include "command/outputs.h"

namespace jitcorral::command {
namespace {

TEST(Figures, QuartilesLieBetweenRanks) {
  const double values[] = {5, 1, 4, 2, 3};
  const Quartiles q = quartiles(values);
  EXPECT_EQ(q.least, 1);
  EXPECT_EQ(q.low, 2);
  EXPECT_EQ(q.median, 3);
  EXPECT_EQ(q.high, 4);
  EXPECT_EQ(q.most, 5);
  const double two[] = {1, 2};
  EXPECT_EQ(quartiles(two).median, 1.5);
  const double one[] = {7};
  EXPECT_EQ(quartiles(one).high, 7);
}

TEST(Figures, RanksAreThoseOfTheTables) {
  // The sign test's critical values, two-sided 5 %.
  EXPECT_FALSE(confidence_rank(5));
  EXPECT_EQ(confidence_rank(6), 0u);
  EXPECT_EQ(confidence_rank(8), 0u);
  EXPECT_EQ(confidence_rank(9), 1u);
  EXPECT_EQ(confidence_rank(10), 1u);
  EXPECT_EQ(confidence_rank(20), 5u);
  EXPECT_EQ(confidence_rank(100), 39u);
  EXPECT_TRUE(confidence_rank(1000));
}

TEST(Figures, NoiseIsNoDifference) {
  const double bare[] = {1.0, 1.2, 0.9, 1.1, 1.0, 1.05, 0.95, 1.0};
  const double with[] = {1.1, 1.0, 1.0, 1.0, 1.05, 1.0, 1.0, 0.9};
  const Comparison c = compare_pairs(bare, with);
  EXPECT_FALSE(c.is_beyond_noise);
  EXPECT_LT(*c.low, 1);
  EXPECT_GT(*c.high, 1);
}

TEST(Figures, WhatIsAlwaysMoreIsMore) {
  const double bare[] = {1.0, 1.2, 0.9, 1.1, 1.0, 1.05};
  const double with[] = {1.1, 1.3, 1.0, 1.2, 1.1, 1.2};
  EXPECT_TRUE(compare_pairs(bare, with).is_beyond_noise);
  EXPECT_TRUE(compare_pairs(with, bare).is_beyond_noise);
}

TEST(Figures, FivePairsTellNothing) {
  const double bare[] = {1, 1, 1, 1, 1};
  const double with[] = {2, 2, 2, 2, 2};
  const Comparison c = compare_pairs(bare, with);
  EXPECT_FALSE(c.low);
  EXPECT_FALSE(c.is_beyond_noise);
  EXPECT_EQ(c.ratio, 2);
}

TEST(Figures, AThousandthIsNobodysConcern) {
  const double bare[] = {1000, 1000, 1000, 1000, 1000, 1000};
  const double with[] = {1001, 1001, 1001, 1001, 1001, 1001};
  EXPECT_FALSE(compare_pairs(bare, with).is_beyond_noise);
}

TEST(Figures, ZerosDivideNothing) {
  const double bare[] = {0, 0, 0, 0, 0, 0};
  const double with[] = {0, 5, 0, 0, 0, 0};
  EXPECT_EQ(compare_pairs(bare, with).ratio, 1);
}

Caught said(std::string text) {
  Caught caught;
  caught.bytes = text.size();
  caught.hash = std::hash<std::string>{}(text);
  caught.text = std::move(text);
  return caught;
}

TEST(Outputs, LinesThatVaryAreLeftOut) {
  StreamBefore before;
  before.add(said("pid 1\nsame\nlast"));
  before.add(said("pid 2\nsame\nlast"));
  EXPECT_EQ(before.difference(said("pid 3\nsame\nlast")), "");
  EXPECT_EQ(before.difference(said("pid 3\nother\nlast")), "line 2 is 'other', bare 'same'");
  EXPECT_EQ(before.difference(said("pid 3\nsame\n")), "less than bare: line 3, 'last', is missing");
  EXPECT_EQ(before.not_compared(), "1 of 3 lines");
}

TEST(Outputs, AnotherNumberOfLinesEachTimeCanNotBeCompared) {
  StreamBefore before;
  before.add(said("a\n"));
  before.add(said("a\nb\n"));
  EXPECT_EQ(before.difference(said("c\n")), "");
  EXPECT_EQ(before.not_compared(), "everything");
}

TEST(Outputs, EveryByteCountsWhereBareRunsAgree) {
  StreamBefore before;
  before.add(said(""));
  before.add(said(""));
  EXPECT_EQ(before.difference(said("")), "");
  EXPECT_EQ(before.difference(said("x")), "more than bare: line 1 is 'x'");
  Caught cut = said("");
  cut.bytes = 5;
  EXPECT_EQ(before.difference(cut), "5 bytes, bare 0");
}

TEST(Outputs, AnEndingThatBareRunsKnowIsNoDifference) {
  Before before;
  Trial fine, crash;
  crash.ended.signal = 11;
  before.add(fine);
  EXPECT_EQ(before.differences(crash),
            std::vector<std::string>{"ended with SIGSEGV, bare status 0"});
  before.add(crash);
  EXPECT_TRUE(before.differences(crash).empty());
  EXPECT_EQ(before.not_compared(),
            std::vector<std::string>{"bare it ends with SIGSEGV or status 0"});
}

}  // namespace
}  // namespace jitcorral::command
