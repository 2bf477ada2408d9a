#include "analyze/pairs.h"

#include <gtest/gtest.h>

#include <random>

namespace jitcorral::analyze {
namespace {

Bytes limit_of(ReachKind kind) {
  for (const Reach& r : kReaches)
    if (r.kind == kind) return r.limit;
  return {};
}

// Every pair, one by one.
std::array<PairCount, std::size(kReported)> by_hand(const std::vector<Extent>& extents) {
  std::array<PairCount, std::size(kReported)> counts;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Extent &a = extents[i], &b = extents[j];
      if (!(a.born < b.died && b.born < a.died)) continue;
      for (std::size_t k = 0; k < std::size(kReported); ++k) {
        const bool both = kReported[k] == ReachKind::kBranch26;
        if (!(both ? a.ever_executable && b.ever_executable
                   : a.ever_executable || b.ever_executable))
          continue;
        ++counts[k].pairs;
        const Bytes distance = displacement(kReported[k], a.range, b.range);
        if (limit_of(kReported[k]) < distance) ++counts[k].over;
        if (!counts[k].worst || *counts[k].worst < distance) counts[k].worst = distance;
      }
    }
  }
  return counts;
}

TEST(PairsTest, CountsAsAWalkOverAllPairsDoes) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    // Addresses in clusters around the limits; no two extents are at one place at one time.
    const std::uint64_t scale = seed % 3 == 0 ? 12 : seed % 3 == 1 ? 20 : 26;
    const std::uint64_t grain = seed % 2 == 0 ? 0x1000 : 4;
    AddressSpace space;
    std::vector<AddressRange> gaps;
    for (Step step = 1; step < 250; ++step) {
      const std::uint64_t begin = (0x10000 + (random() % 300 << scale)) / grain * grain;
      const AddressRange range = range_of({begin}, {grain * (1 + random() % 40)});
      if (random() % 4 == 0)
        space.unmap(range, step);
      else if (random() % 3 == 0)
        space.protect(range, 5, &gaps);
      else
        space.map(range, 0, random() % 2 == 0 ? 3 : 7, step, step);
    }
    std::vector<const Extent*> extents;
    for (const Extent& e : space.extents()) extents.push_back(&e);
    const auto counted = count_pairs(extents);
    const auto expected = by_hand(space.extents());
    for (std::size_t k = 0; k < std::size(kReported); ++k) {
      EXPECT_EQ(counted[k].pairs, expected[k].pairs) << "seed " << seed << " reach " << k;
      EXPECT_EQ(counted[k].over, expected[k].over) << "seed " << seed << " reach " << k;
      EXPECT_EQ(counted[k].worst, expected[k].worst) << "seed " << seed << " reach " << k;
    }
  }
}

Extent code_at(std::uint64_t begin, std::uint64_t size) {
  Extent e;
  e.range = range_of({begin}, {size});
  e.born = 1;
  e.ever_executable = true;
  return e;
}

std::uint64_t over(ReachKind kind, const Extent& a, const Extent& b) {
  const auto counts = count_pairs({&a, &b});
  for (std::size_t k = 0; k < std::size(kReported); ++k)
    if (kReported[k] == kind) return counts[k].over;
  return 99;
}

TEST(PairsTest, BranchReachesExactlyFromInstructionToInstruction) {
  const Extent low = code_at(0x10000000, 4096);
  const std::uint64_t last = 0x10000000 + mib(128).count;  // end of what still fits
  EXPECT_EQ(over(ReachKind::kBranch26, low, code_at(last - 4096, 4096)), 0U);
  EXPECT_EQ(over(ReachKind::kBranch26, low, code_at(last - 4092, 4096)), 1U);
}

TEST(PairsTest, Delta32ReachesExactlyToTheByte) {
  const Extent low = code_at(0x10000000, 4096);
  const std::uint64_t last = 0x10000000 + gib(2).count;
  EXPECT_EQ(over(ReachKind::kDelta32, low, code_at(last - 4096, 4096)), 0U);
  EXPECT_EQ(over(ReachKind::kDelta32, low, code_at(last - 4095, 4096)), 1U);
}

TEST(PairsTest, AdrpReachesExactlyFromPageToPage) {
  const Extent low = code_at(0x10000800, 64);
  const std::uint64_t last = 0x10000000 + gib(4).count;
  EXPECT_EQ(over(ReachKind::kAdrp, low, code_at(last - 4096, 4096)), 0U);
  EXPECT_EQ(over(ReachKind::kAdrp, low, code_at(last - 4096, 4097)), 1U);
}

TEST(PairsTest, WhatWasNeverThereTogetherIsNoPair) {
  Extent early = code_at(0x1000, 4096), late = code_at(0x7f0000000000, 4096);
  early.died = 5;
  late.born = 5;
  EXPECT_EQ(count_pairs({&early, &late})[1].pairs, 0U);
  EXPECT_EQ(count_pairs({&late, &early})[1].pairs, 0U);
  late.born = 4;
  EXPECT_EQ(count_pairs({&early, &late})[1].pairs, 1U);
}

TEST(PairsTest, ThePairTellsCodeFromWhatItRefersTo) {
  Extent data = code_at(0x1000, 4096);
  data.ever_executable = false;
  data.ever_read_only = true;
  Extent code = code_at(0x9000, 4096);
  code.born = 2;
  code.ticket = 42;
  for (const auto& order : {std::vector<const Extent*>{&data, &code}, {&code, &data}}) {
    const auto counts = count_pairs(order);
    ASSERT_TRUE(counts[1].worst_pair);
    EXPECT_EQ(counts[1].worst_pair->from, code.range);
    EXPECT_EQ(counts[1].worst_pair->to, data.range);
    EXPECT_EQ(counts[1].worst_pair->to_kind, Kind::kRodata);
    EXPECT_EQ(counts[1].worst_pair->ticket, 42U);
    EXPECT_EQ(counts[0].pairs, 0U);  // BL goes from code to code
  }
}

TEST(PairsTest, AHundredThousandExtentsTakeNoTime) {
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < 100000; ++i)
    extents.push_back(code_at((i % 2 == 0 ? 0x7e0000000000 : 0x7f0000000000) + i * 0x1000, 0x1000));
  std::vector<const Extent*> pointers;
  for (const Extent& e : extents) pointers.push_back(&e);
  const auto counts = count_pairs(pointers);
  EXPECT_EQ(counts[1].pairs, 100000ULL * 99999 / 2);
  EXPECT_EQ(counts[1].over, 50000ULL * 50000);
}

}  // namespace
}  // namespace jitcorral::analyze
