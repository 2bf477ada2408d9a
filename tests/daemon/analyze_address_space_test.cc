#include "analyze/address_space.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <map>
#include <random>
#include <set>

namespace jitcorral::analyze {
namespace {

AddressRange pages(std::uint64_t first, std::uint64_t end) {
  return {{first * 0x1000}, {end * 0x1000}};
}

std::vector<AddressRange> live(const AddressSpace& space) {
  std::map<std::uint64_t, AddressRange> found;
  for (const Extent& e : space.extents())
    if (e.live()) found[e.range.begin.value] = e.range;
  std::vector<AddressRange> ranges;
  for (const auto& [begin, range] : found) ranges.push_back(range);
  return ranges;
}

TEST(AddressSpaceTest, UnmappingTheMiddleLeavesBothSides) {
  AddressSpace space;
  space.map(pages(0, 10), 0, PROT_READ, 1, 1);
  space.unmap(pages(4, 6), 2);
  EXPECT_EQ(live(space), (std::vector{pages(0, 4), pages(6, 10)}));
}

TEST(AddressSpaceTest, APieceThatWasSplitOffExistedFromTheBeginningOfItsMapping) {
  AddressSpace space;
  space.map(pages(0, 10), 0, PROT_READ, 1, 1);
  space.unmap(pages(4, 6), 5);
  for (const Extent& e : space.extents()) EXPECT_EQ(e.born, 1U);
  ASSERT_EQ(space.extents().size(), 3U);
}

TEST(AddressSpaceTest, ProtectingAPartChangesOnlyThatPart) {
  AddressSpace space;
  std::vector<AddressRange> gaps;
  space.map(pages(0, 10), 0, PROT_READ | PROT_WRITE, 1, 1);
  space.protect(pages(2, 4), PROT_READ | PROT_EXEC, &gaps);
  for (const Extent& e : space.extents()) EXPECT_EQ(e.ever_executable, e.range == pages(2, 4));
  EXPECT_TRUE(gaps.empty());
}

TEST(AddressSpaceTest, ProtectTellsWhereNothingIs) {
  AddressSpace space;
  std::vector<AddressRange> gaps;
  space.map(pages(2, 4), 0, PROT_READ, 1, 1);
  space.map(pages(6, 7), 0, PROT_READ, 2, 2);
  space.protect(pages(0, 9), PROT_READ, &gaps);
  EXPECT_EQ(gaps, (std::vector{pages(0, 2), pages(4, 6), pages(7, 9)}));
}

TEST(AddressSpaceTest, MappingOverSomethingReplacesIt) {
  AddressSpace space;
  space.map(pages(0, 10), 7, PROT_READ, 1, 1);
  space.map(pages(3, 5), 8, PROT_READ, 2, 2);
  EXPECT_EQ(live(space), (std::vector{pages(0, 3), pages(3, 5), pages(5, 10)}));
  for (const Extent& e : space.extents())
    if (e.live()) {
      EXPECT_EQ(e.mapping, e.range == pages(3, 5) ? 8U : 7U);
    }
}

TEST(AddressSpaceTest, WhatWasMappedReadOnlyWasNotMadeReadOnly) {
  AddressSpace space;
  std::vector<AddressRange> gaps;
  space.map(pages(0, 1), 0, PROT_READ, 1, 1);
  EXPECT_FALSE(space.extents()[0].ever_read_only);
  space.protect(pages(0, 1), PROT_READ, &gaps);
  EXPECT_TRUE(space.extents()[0].ever_read_only);
}

TEST(AddressSpaceTest, AMoveKeepsTheHistory) {
  AddressSpace space;
  std::vector<AddressRange> gaps;
  space.map(pages(0, 2), 3, PROT_READ | PROT_WRITE, 1, 1);
  space.protect(pages(0, 2), PROT_READ | PROT_EXEC, &gaps);
  const std::vector<Extent> moved = space.move_out(pages(0, 2), 2);
  ASSERT_EQ(moved.size(), 1U);
  space.move_in(pages(20, 22), moved[0], 3, 3);
  EXPECT_EQ(live(space), std::vector{pages(20, 22)});
  EXPECT_TRUE(space.extents().back().ever_executable);
  EXPECT_EQ(space.extents().back().mapping, 3U);
}

// Against a model that knows pages only.
TEST(AddressSpaceTest, AgreesWithAModelOfSinglePages) {
  struct Page {
    std::uint32_t mapping;
    int prot;
    bool executable;
    bool operator==(const Page&) const = default;
  };
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    AddressSpace space;
    std::map<std::uint64_t, Page> model;
    std::vector<AddressRange> gaps;
    for (Step step = 1; step < 300; ++step) {
      const std::uint64_t first = random() % 64, end = first + 1 + random() % 16;
      const int prot = static_cast<int>(random() % 8);
      gaps.clear();
      switch (random() % 4) {
        case 0:
          space.unmap(pages(first, end), step);
          for (std::uint64_t p = first; p < end; ++p) model.erase(p);
          break;
        case 1: {
          space.protect(pages(first, end), prot, &gaps);
          std::set<std::uint64_t> unmapped;
          for (const AddressRange& gap : gaps)
            for (Address a = gap.begin; a < gap.end; a = a + Bytes{0x1000})
              unmapped.insert(a.value >> 12);
          for (std::uint64_t p = first; p < end; ++p) {
            const auto at = model.find(p);
            ASSERT_EQ(at == model.end(), unmapped.count(p) == 1);
            if (at == model.end()) continue;
            at->second.prot = prot;
            at->second.executable |= (prot & PROT_EXEC) != 0;
          }
          break;
        }
        default:
          space.map(pages(first, end), step, prot, step, step);
          for (std::uint64_t p = first; p < end; ++p)
            model[p] = {step, prot, (prot & PROT_EXEC) != 0};
      }
    }
    std::map<std::uint64_t, Page> seen;
    for (const Extent& e : space.extents()) {
      ASSERT_FALSE(e.range.empty());
      if (!e.live()) continue;
      for (Address a = e.range.begin; a < e.range.end; a = a + Bytes{0x1000})
        ASSERT_TRUE(seen.emplace(a.value >> 12, Page{e.mapping, e.prot, e.ever_executable}).second);
    }
    ASSERT_EQ(seen, model) << "seed " << seed;
  }
}

}  // namespace
}  // namespace jitcorral::analyze
