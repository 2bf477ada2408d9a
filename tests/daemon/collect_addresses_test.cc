// The set of addresses, against one bit for each.
#include <array>
#include <bitset>

#include "collect/process.h"
#include "ring_scratch.h"

namespace jitcorral::ring_test {
namespace {

using collect::AddressSet;
constexpr std::uint64_t kCells = 96;

AddressRange cells(std::uint64_t base, std::uint64_t begin, std::uint64_t end) {
  return {{base + begin}, {base + end}};
}

TEST(CollectAddresses, CoverWhatBitsCover) {
  std::mt19937_64 random(8);
  for (const std::uint64_t base : {std::uint64_t{0}, UINT64_MAX - kCells, std::uint64_t{1} << 47}) {
    for (int set = 0; set < 300; ++set) {
      AddressSet ranges;
      std::bitset<kCells> bits;
      for (int step = 0; step < 40; ++step) {
        const std::uint64_t length = 1 + random() % (step % 10 == 0 ? kCells / 2 : 6);
        const std::uint64_t begin = random() % (kCells - length + 1);
        ranges.add(cells(base, begin, begin + length));
        for (std::uint64_t i = begin; i < begin + length; ++i) bits.set(i);
        for (int look = 0; look < 20; ++look) {
          const std::uint64_t from = random() % kCells, to = from + 1 + random() % (kCells - from);
          bool all = true;
          for (std::uint64_t i = from; i < to; ++i) all &= bits[i];
          ASSERT_EQ(ranges.covers(cells(base, from, to)), all) << base << ' ' << from << ' ' << to;
        }
      }
    }
  }
}

TEST(CollectAddresses, AddUpWithAnotherSet) {
  std::mt19937_64 random(9);
  for (int set = 0; set < 200; ++set) {
    AddressSet one, other, both;
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t begin = random() % (kCells - 4);
      const AddressRange range = cells(0x1000, begin, begin + 1 + random() % 4);
      (i % 2 == 0 ? one : other).add(range);
      both.add(range);
    }
    one.add(other);
    for (std::uint64_t from = 0; from < kCells; ++from)
      for (std::uint64_t to = from + 1; to <= kCells; ++to)
        ASSERT_EQ(one.covers(cells(0x1000, from, to)), both.covers(cells(0x1000, from, to)));
  }
}

TEST(CollectAddresses, GiveBackAnyPart) {
  std::mt19937_64 random(7);
  for (int set = 0; set < 300; ++set) {
    AddressSet addresses;
    std::array<bool, kCells> there{};
    for (int i = 0; i < 30; ++i) {
      const std::uint64_t begin = random() % kCells;
      const std::uint64_t end = std::min(kCells, begin + 1 + random() % 9);
      const bool adds = random() % 2 == 0;
      if (adds)
        addresses.add(cells(0x1000, begin, end));
      else
        addresses.remove(cells(0x1000, begin, end));
      for (std::uint64_t cell = begin; cell < end; ++cell) there[cell] = adds;
    }
    for (std::uint64_t cell = 0; cell < kCells; ++cell)
      ASSERT_EQ(addresses.covers(cells(0x1000, cell, cell + 1)), there[cell]) << cell;
  }
}

TEST(CollectAddresses, OfAProcessThatNeverUsesOneTwiceStayFew) {
  collect::Process process;
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    Event event = {};
    event.call = Call::kMap;
    event.address = 0x1000 + i * 0x2000;
    event.length = 0x1000;
    events.push_back(event);
    event.call = Call::kUnmap;
    events.push_back(event);
  }
  process.explain(events);
  EXPECT_LT(process.explained.size(), 5'000U);
}

TEST(CollectAddresses, TakeNothingEmptyOrInverted) {
  AddressSet set;
  set.add({{5}, {5}});
  set.add({{9}, {3}});
  EXPECT_FALSE(set.covers({{3}, {9}}));
  EXPECT_FALSE(set.covers({{5}, {6}}));
  set.add({{0}, {UINT64_MAX}});
  EXPECT_TRUE(set.covers({{0}, {UINT64_MAX}}));
  EXPECT_TRUE(set.covers({{UINT64_MAX - 1}, {UINT64_MAX}}));
  set.add({{10}, {20}});
  EXPECT_TRUE(set.covers({{0}, {UINT64_MAX}}));
}

}  // namespace
}  // namespace jitcorral::ring_test
