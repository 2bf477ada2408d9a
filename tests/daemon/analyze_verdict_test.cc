#include "analyze/verdict.h"

#include <gtest/gtest.h>

#include "analyze_record.h"
#include "jitcorral/ring.h"

namespace jitcorral::analyze {
namespace {

constexpr std::uint64_t kCode = 0x7f0000000000;

bool has(const std::vector<std::string>& clauses, std::string_view text) {
  for (const std::string& c : clauses)
    if (c.find(text) != std::string::npos) return true;
  return false;
}

Recording healthy() {
  Recording r;
  r.code_and_data(r.llvm(), 0x10000);
  return r;
}

TEST(VerdictTest, WithinReachRulesPlacementOut) {
  const Report report = healthy().analysed();
  EXPECT_EQ(report.verdict, Verdict::kWithinReach);
  EXPECT_EQ(report.because, "all mappings of each engine lay within reach, at most 68 KiB apart");
  EXPECT_TRUE(report.blind.empty());
}

TEST(VerdictTest, APairBeyondAReachThatMayBindIsAtRisk) {
  Recording r;
  r.code_and_data(r.llvm(), gib(5).count + mib(205).count);
  const Report report = r.analysed();
  EXPECT_EQ(report.verdict, Verdict::kAtRisk);
  EXPECT_EQ(report.because,
            "LLVM 14.0.6 in libllvmlite.so: code and data 5.2 GiB apart, beyond delta32 (2 GiB), "
            "which may bind");
  EXPECT_EQ(report.reach[kDelta].pairs_over, 1U);
  EXPECT_EQ(report.reach[kDelta].binds, Binds::kMaybe);
}

TEST(VerdictTest, UnderObserveTheKernelsPlacementIsJudgedToo) {
  Recording r;
  r.code_and_data(r.llvm(), gib(15).count, kCode, Outcome::kWouldSteer);
  EXPECT_EQ(r.analysed().verdict, Verdict::kAtRisk);
}

TEST(VerdictTest, WhatBindsForCertainIsNamedBeforeWhatMay) {
  Recording r;
  r.code_and_data(r.llvm(), gib(50).count);
  r.code_and_data(r.site(Role::kCranelift, "/opt/host", "0.116.1"), gib(3).count, 0x10000000);
  EXPECT_EQ(r.analysed().because,
            "Cranelift 0.116.1 in host: code and data 3 GiB apart, beyond delta32 (2 GiB), "
            "which binds");
}

TEST(VerdictTest, CodeThatAnAllocatorPlacedByHintsIsSaidToBeOutOfReachOfUs) {
  Recording r;
  const std::uint32_t by = r.site(Role::kCranelift, "/opt/host", "0.116.1");
  const std::uint64_t arena = kCode + gib(50).count;
  r.pass(by, arena, gib(1).count, PassReason::kHint);
  r.map(by, kCode, 0x1000);
  r.protect(arena, 0x1000, kReadExec);
  const Report report = r.analysed();
  EXPECT_EQ(report.verdict, Verdict::kAtRisk);
  EXPECT_NE(report.because.find("; that code can't be moved: its mapping has a hint"),
            std::string::npos);
}

TEST(VerdictTest, CodeBeyondTheBranchIsAtRiskOnAarch64Only) {
  for (const Isa isa : {Isa::kX86_64, Isa::kAarch64}) {
    Recording r(isa);
    const std::uint32_t by = r.site(Role::kCranelift, "/opt/host", "0.116.1");
    for (const std::uint64_t at : {kCode, kCode + mib(200).count}) {
      r.map(by, at, 0x1000);
      r.protect(at, 0x1000, kReadExec);
    }
    const Report report = r.analysed();
    EXPECT_EQ(report.verdict, isa == Isa::kAarch64 ? Verdict::kAtRisk : Verdict::kWithinReach);
    if (isa == Isa::kAarch64) {
      EXPECT_EQ(report.because,
                "Cranelift 0.116.1 in host: code and code 200 MiB apart, beyond bl (128 MiB), "
                "which binds");
    }
  }
}

TEST(VerdictTest, AFallbackIsAtRiskHoweverNearItLies) {
  Recording r;
  const std::uint32_t by = r.llvm();
  r.map(by, kCode, 0x1000, Outcome::kFellBack).reason =
      static_cast<std::uint8_t>(PlaceFailure::kFull);
  const Report report = r.analysed();
  EXPECT_EQ(report.verdict, Verdict::kAtRisk);
  EXPECT_EQ(report.because, "1 call of a JIT fell back: the window is full (largest 4 KiB)");
  ASSERT_EQ(report.fallbacks.size(), 1U);
}

TEST(VerdictTest, AFallbackThatOnlyTheCountersKnowIsAtRisk) {
  Recording r = healthy();
  r.record.run.counters.emplace();
  EXPECT_EQ(r.analysed().verdict, Verdict::kWithinReach);
  (*r.record.run.counters)[ring::kFellBack] = 2;
  EXPECT_EQ(r.analysed().verdict, Verdict::kAtRisk);
}

TEST(VerdictTest, NoJitRulesPlacementOutToo) {
  Recording r;
  r.pass(r.site(Role::kNone, "/usr/bin/python3"), kCode, 0x100000, PassReason::kCaller);
  const Report report = r.analysed();
  EXPECT_EQ(report.verdict, Verdict::kNoJit);
  EXPECT_TRUE(report.engines.empty());
}

TEST(VerdictTest, ARunWithoutAnyEventHadNoJit) {
  EXPECT_EQ(Recording().analysed().verdict, Verdict::kNoJit);
}

TEST(VerdictTest, AFilterThatArrivesHidesNoEventAndIsSaid) {
  Recording r = healthy();
  r.record.run.filter_arrived = true;
  EXPECT_EQ(r.analysed().verdict, Verdict::kWithinReach);
  EXPECT_TRUE(has(r.analysed().blind, "seccomp"));
}

TEST(VerdictTest, WhatWasNotSeenMakesTheVerdictUnknown) {
  const auto verdict_with = [](auto change, std::string_view clause) {
    for (Recording r : {healthy(), Recording()}) {
      change(r.record);
      const Report report = r.analysed();
      EXPECT_EQ(report.verdict, Verdict::kUnknown) << clause;
      EXPECT_TRUE(has(report.blind, clause)) << clause;
      EXPECT_NE(report.because.find(clause), std::string::npos) << report.because;
    }
  };
  verdict_with([](auto& r) { r.run.dropped = 3; }, "3 events were dropped");
  verdict_with([](auto& r) { r.run.torn = 1; }, "1 event was torn");
  verdict_with([](auto& r) { r.run.reason = "no descriptor"; }, "no descriptor");
  verdict_with([](auto& r) { r.run.recorded = 10; }, "missing from the database");
  verdict_with([](auto& r) { r.run.position = 10; }, "never taken over");
  verdict_with(
      [](auto& r) {
        r.run.parent = 7;
        r.run.fork_time = 1;
      },
      "when it was forked");
  verdict_with(
      [](auto& r) {
        r.unseen.push_back({0, {{0x1000}, {0x3000}}, "rwxp"});
      },
      "0x1000-0x3000 (8 KiB, rwxp)");
  verdict_with(
      [](auto& r) {
        r.run.state = model::RunState::kNotLoaded;
        r.run.reason = "a static executable";
      },
      "the shim was never loaded: a static executable");
}

TEST(VerdictTest, AtRiskIsSaidEvenIfSomethingWasNotSeen) {
  Recording r;
  r.code_and_data(r.llvm(), gib(5).count);
  r.record.run.dropped = 3;
  const Report report = r.analysed();
  EXPECT_EQ(report.verdict, Verdict::kAtRisk);
  EXPECT_TRUE(has(report.blind, "dropped"));
}

TEST(VerdictTest, LostTextsMatterOnlyIfTheyHideACaller) {
  Recording r = healthy();
  r.record.run.texts_lost = 1;
  EXPECT_EQ(r.analysed().verdict, Verdict::kWithinReach);
  r.map(999, kCode + 0x20000, 0x1000);
  EXPECT_EQ(r.analysed().verdict, Verdict::kUnknown);
  r.record.run.texts_lost = 0;  // a caller that nobody could name is another matter
  EXPECT_EQ(r.analysed().verdict, Verdict::kWithinReach);
  r.record.run.texts_lost = 1;
  EXPECT_EQ(r.analysed().verdict, Verdict::kUnknown);
}

TEST(VerdictTest, ASampleThatEventsExplainHidesNothing) {
  Recording r = healthy();
  r.record.unseen.push_back({0, {{kCode}, {kCode + 0x1000}}, "r-xp"});
  EXPECT_EQ(r.analysed().verdict, Verdict::kWithinReach);
  r.record.unseen.push_back({0, {{kCode}, {kCode + 0x2000}}, "r-xp"});
  EXPECT_EQ(r.analysed().verdict, Verdict::kUnknown);
}

TEST(VerdictTest, SoftClausesDoNotChangeTheVerdict) {
  Recording r = healthy();
  r.record.run.samples = 0;
  r.record.run.state = model::RunState::kRunning;
  const Report report = r.analysed();
  EXPECT_EQ(report.verdict, Verdict::kWithinReach);
  EXPECT_TRUE(has(report.blind, "never sampled"));
  EXPECT_TRUE(has(report.blind, "not seen to end"));
}

TEST(VerdictTest, GapsOfTheParentsRecordAreTheChildsToo) {
  Recording parent = healthy(), child;
  child.record.run.parent = 1;
  child.record.parent = &parent.record;
  child.record.run.fork_time = 1000;
  EXPECT_EQ(child.analysed().verdict, Verdict::kWithinReach);
  EXPECT_EQ(child.analysed().reach[kDelta].pairs, 1U);
  parent.record.run.dropped = 1;
  EXPECT_EQ(child.analysed().verdict, Verdict::kUnknown);
  child.record.run.fork_time = 0;  // not forked: nothing of its parent's is its own
  EXPECT_EQ(child.analysed().verdict, Verdict::kNoJit);
}

TEST(VerdictTest, ARecordThatBeginsLateIsUnknownAndSoAreThoseOfItsChildren) {
  Recording parent = healthy(), child;
  parent.record.run.placed_before = 1;
  EXPECT_EQ(parent.analysed().verdict, Verdict::kUnknown);
  EXPECT_TRUE(has(parent.analysed().blind,
                  "the record begins late: 1 placement had been made before a recorder was there"));
  child.record.run.parent = 1;
  child.record.parent = &parent.record;
  child.record.run.fork_time = 1000;
  EXPECT_EQ(child.analysed().verdict, Verdict::kUnknown);
  EXPECT_TRUE(has(child.analysed().blind, "begins late"));
}

TEST(VerdictTest, CallsThatWereCountedButNotRecordedAreUnknown) {
  Recording r;
  r.record.run.counters.emplace();
  EXPECT_EQ(r.analysed().verdict, Verdict::kNoJit);
  (*r.record.run.counters)[ring::kSteered] = 4;
  EXPECT_EQ(r.analysed().verdict, Verdict::kUnknown);
}

TEST(VerdictTest, AJitThatNeverRanAnythingIsSaid) {
  Recording r;
  r.map(r.llvm(), kCode, 0x4000);
  const Report report = r.analysed();
  EXPECT_EQ(report.verdict, Verdict::kWithinReach);
  EXPECT_EQ(report.because,
            "LLVM 14.0.6 in libllvmlite.so: 1 mapping (16 KiB) never became executable: the host "
            "may have gone to its interpreter");
  r.record.run.dropped = 1;
  EXPECT_TRUE(has(r.analysed().blind, "never became executable"));
}

TEST(VerdictTest, AnUnknownIsaIsUnknown) {
  Recording r = healthy();
  r.record.run.isa = Isa::kUnknown;
  EXPECT_EQ(r.analysed().verdict, Verdict::kUnknown);
}

TEST(VerdictTest, SizesAreWordedInTheirUnit) {
  EXPECT_EQ(text_of(Bytes{1}), "1 byte");
  EXPECT_EQ(text_of(Bytes{1023}), "1023 bytes");
  EXPECT_EQ(text_of(kib(4)), "4 KiB");
  EXPECT_EQ(text_of(mib(1) - Bytes{1}), "1 MiB");
  EXPECT_EQ(text_of(gib(15 * 1024)), "15 TiB");
}

}  // namespace
}  // namespace jitcorral::analyze
