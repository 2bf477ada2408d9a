#include "analyze/replay.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "analyze_record.h"

namespace jitcorral::analyze {
namespace {

constexpr std::uint64_t kLow = 0x10000000;
constexpr std::uint64_t kFar = 0x7f0000000000;

std::vector<AddressRange> live(const History& history) {
  std::vector<AddressRange> ranges;
  for (const Extent& e : history.space.extents())
    if (e.live()) ranges.push_back(e.range);
  std::sort(ranges.begin(), ranges.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.begin < b.begin; });
  return ranges;
}
std::vector<AddressRange> live(const Recording& r) {
  return live(replay(r.record));
}

TEST(ReplayTest, EventsCountInTheOrderOfTheirTickets) {
  Recording r;
  r.map(r.llvm(), kLow, 0x1000);
  r.add(Call::kUnmap, kLow, 0x1000);
  r.map(8, kLow, 0x2000);
  std::reverse(r.record.events.begin(), r.record.events.end());
  EXPECT_EQ(live(r), std::vector{range_of({kLow}, {0x2000})});
}

TEST(ReplayTest, ATicketCountsOnce) {
  Recording r;
  r.map(r.llvm(), kLow, 0x1000);
  r.map(8, kFar, 0x1000).ticket = 0;
  EXPECT_EQ(live(r), std::vector{range_of({kLow}, {0x1000})});
}

TEST(ReplayTest, ACancelledUnmapNeverHappened) {
  Recording r;
  r.map(r.llvm(), kLow, 0x4000);
  r.protect(kLow, 0x1000, kReadExec);
  r.add(Call::kUnmap, kLow, 0x2000);
  r.cancel(2);
  EXPECT_EQ(live(r),
            (std::vector{range_of({kLow}, {0x1000}), range_of({kLow + 0x1000}, {0x3000})}));
}

TEST(ReplayTest, ACancelOfAnUnknownOrLaterTicketIsNothing) {
  Recording r;
  r.cancel(77);
  r.cancel(2);
  r.map(r.llvm(), kLow, 0x1000);
  EXPECT_EQ(live(r).size(), 1U);
}

TEST(ReplayTest, WhatFailedMapsNothing) {
  Recording r;
  r.map(r.llvm(), kLow, 0x1000, Outcome::kFailed);
  r.pass(8, kFar, 0x1000, PassReason::kRefused);
  EXPECT_TRUE(live(r).empty());
}

TEST(ReplayTest, AMoveKeepsWhoMappedItAndWhatItBecame) {
  Recording r;
  const std::uint32_t by = r.llvm();
  r.map(by, kLow, 0x2000);
  r.protect(kLow, 0x1000, kReadExec);
  r.move(kLow, 0x2000, kFar, 0x4000);
  const History history = replay(r.record);
  EXPECT_EQ(live(history),
            (std::vector{range_of({kFar}, {0x1000}), range_of({kFar + 0x1000}, {0x3000})}));
  for (const Extent& e : history.space.extents()) {
    EXPECT_EQ(e.mapping, 0U);
    if (e.live()) {
      EXPECT_EQ(e.ever_executable, e.range.begin.value == kFar);
    }
  }
}

TEST(ReplayTest, AMoveThatShrinksCutsTheEnd) {
  Recording r;
  r.map(r.llvm(), kLow, 0x4000);
  r.protect(kLow + 0x2000, 0x2000, kReadExec);
  r.move(kLow, 0x4000, kFar, 0x1000);
  EXPECT_EQ(live(r), std::vector{range_of({kFar}, {0x1000})});
}

TEST(ReplayTest, ACancelledMoveStays) {
  Recording r;
  r.map(r.llvm(), kLow, 0x4000);
  r.add(Call::kMoveFrom, kLow, 0x4000);
  r.cancel(1);
  EXPECT_EQ(live(r), std::vector{range_of({kLow}, {0x4000})});
}

TEST(ReplayTest, TwoMovesAtOnceDoNotMixUp) {
  Recording r;
  const std::uint32_t by = r.llvm();
  r.map(by, kLow, 0x1000);
  r.map(by, kLow + 0x10000, 0x1000);
  r.add(Call::kMoveFrom, kLow, 0x1000);
  r.add(Call::kMoveFrom, kLow + 0x10000, 0x1000);
  r.add(Call::kMoveTo, kFar + 0x10000, 0x1000).other = kLow + 0x10000;
  r.add(Call::kMoveTo, kFar, 0x1000).other = kLow;
  const History history = replay(r.record);
  for (const Extent& e : history.space.extents())
    if (e.live()) {
      EXPECT_EQ(e.mapping, e.range.begin.value == kFar ? 0U : 1U);
    }
}

TEST(ReplayTest, ReplacingTakesWhatLayThere) {
  Recording r;
  r.map(r.llvm(), kLow, 0x3000);
  r.add(Call::kReplace, kLow + 0x1000, 0x1000);
  EXPECT_EQ(live(r),
            (std::vector{range_of({kLow}, {0x1000}), range_of({kLow + 0x2000}, {0x1000})}));
}

TEST(ReplayTest, WhatAnEngineMapsFixedInsideItsArenaIsStillTheArenas) {
  Recording r;
  const std::uint32_t julia = r.site(Role::kJulia, "/usr/lib/libjulia-codegen.so.1.12");
  const std::uint32_t other = r.site(Role::kNone, "/usr/lib/other.so");
  r.map(julia, kLow, 0x100000, Outcome::kSteered, 0);
  r.add(Call::kReplace, kLow + 0x1000, 0x1000);
  r.pass(julia, kLow + 0x1000, 0x1000, PassReason::kFixed);
  r.pass(other, kLow + 0x8000, 0x1000, PassReason::kFixed);
  r.pass(julia, kFar, 0x1000, PassReason::kFixed);
  const History history = replay(r.record);
  EXPECT_TRUE(history.mappings[1].of_jit);
  EXPECT_FALSE(history.mappings[2].of_jit);
  EXPECT_FALSE(history.mappings[3].of_jit);
}

TEST(ReplayTest, WhatWasScreenedOutBeforeAnybodyLookedIsOfTheJitIfItLooksLikeIt) {
  Recording r;
  const std::uint32_t by = r.llvm();
  r.pass(by, kLow, 0x1000, PassReason::kHint);
  r.pass(by, kLow + 0x10000, 0x1000, PassReason::kSignature);
  r.pass(by, kLow + 0x20000, 0x1000, PassReason::kHint, kRead);
  r.pass(r.site(Role::kNone, "/usr/bin/python3"), kLow + 0x30000, 0x1000, PassReason::kHint);
  const History history = replay(r.record);
  EXPECT_TRUE(history.mappings[0].of_jit);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_FALSE(history.mappings[i].of_jit) << i;
}

TEST(ReplayTest, MemoryThatNobodyMappedBelongsToWhoMakesItExecutable) {
  Recording r;
  const std::uint32_t by = r.site(Role::kNone, "/opt/strange.so");
  r.protect(kLow, 0x1000, kReadWrite, by);
  EXPECT_TRUE(live(r).empty());
  r.protect(kLow, 0x1000, kReadExec, by);
  const History history = replay(r.record);
  ASSERT_EQ(live(history).size(), 1U);
  EXPECT_EQ(history.callers[history.mappings[0].caller].module, "/opt/strange.so");
}

TEST(ReplayTest, AChildBeginsWithWhatItsParentHadWhenItForked) {
  Recording parent, child;
  const std::uint32_t by = parent.llvm();
  parent.map(by, kLow, 0x1000);            // time 0
  parent.map(by, kLow + 0x10000, 0x1000);  // time 10
  parent.add(Call::kUnmap, kLow, 0x1000);  // time 20
  parent.map(by, kFar, 0x1000);            // time 30: after the fork
  child.record.run.parent = 1;
  child.record.parent = &parent.record;
  child.record.run.fork_time = 10;
  EXPECT_EQ(live(child),
            (std::vector{range_of({kLow}, {0x1000}), range_of({kLow + 0x10000}, {0x1000})}));
  child.add(Call::kUnmap, kLow, 0x1000);
  child.record.run.fork_time = 25;
  EXPECT_EQ(live(child), std::vector{range_of({kLow + 0x10000}, {0x1000})});
}

TEST(ReplayTest, AGrandchildBeginsWithWhatBothHad) {
  Recording first, second, third;
  first.map(first.llvm(), kLow, 0x1000);
  second.record.parent = &first.record;
  second.record.run.fork_time = 5;
  second.site(Role::kNone, "/bin/x");
  second.map(second.llvm(), kFar, 0x1000).time = 20;
  third.record.parent = &second.record;
  third.record.run.fork_time = 15;
  EXPECT_EQ(live(third), std::vector{range_of({kLow}, {0x1000})});
  third.record.run.fork_time = 20;
  const History history = replay(third.record);
  EXPECT_EQ(live(history).size(), 2U);
  // The same caller in two records, whatever its id.
  EXPECT_EQ(history.mappings[0].caller, history.mappings[1].caller);
}

TEST(ReplayTest, ARecordThatIsItsOwnAncestorEnds) {
  Recording r;
  r.map(r.llvm(), kLow, 0x1000);
  r.record.parent = &r.record;
  r.record.run.fork_time = 100;
  EXPECT_EQ(live(r).size(), 1U);
}

TEST(ReplayTest, FallbacksAreThoseOfThisProcessByReason) {
  Recording parent, child;
  parent.map(parent.llvm(), kLow, 0x1000, Outcome::kFellBack);
  child.record.parent = &parent.record;
  child.record.run.fork_time = 5;
  EXPECT_TRUE(replay(child.record).fallbacks.empty());
  const std::uint32_t by = child.llvm();
  const auto full = static_cast<std::uint8_t>(PlaceFailure::kFull);
  child.map(by, kFar, 0x1000, Outcome::kFellBack).reason = full;
  child.map(by, kFar + 0x10000, 0x3000, Outcome::kFellBack).reason = full;
  const History history = replay(child.record);
  ASSERT_EQ(history.fallbacks.size(), 1U);
  EXPECT_EQ(history.fallbacks[0].reason, PlaceFailure::kFull);
  EXPECT_EQ(history.fallbacks[0].calls, 2U);
  EXPECT_EQ(history.fallbacks[0].bytes.count, 0x4000U);
  EXPECT_EQ(history.fallbacks[0].largest.count, 0x3000U);
}

}  // namespace
}  // namespace jitcorral::analyze
