#include "show/explain.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "analyze_record.h"
#include "show_sample.h"

namespace jitcorral::show {
namespace {

using analyze::Recording;

Detailed of(const Recording& r) {
  Detailed run;
  run.shown.run = r.record.run;
  run.shown.run.id = 12;
  run.shown.report = analyze::analyse(r.record);
  run.placements = analyze::placements_of(r.record, run.shown.report);
  return run;
}

std::string said(const Detailed& run) {
  TextOptions wide;
  wide.width = 1000;
  return explanation_text(run, explain(run), wide);
}

TEST(Explain, EveryPairWithinReachRulesPlacementOut) {
  Recording r;
  r.code_and_data(r.llvm(), 0x10000);
  const Explanation e = explain(of(r));
  EXPECT_EQ(e.answer, Answer::kRuledOut);
  EXPECT_EQ(e.headline, "placement ruled out: every pair within reach");
  EXPECT_NE(e.evidence[0].find("1 pair counted, 0 beyond the limit of 2 GiB"), std::string::npos);
  EXPECT_TRUE(e.beyond.empty());
}

TEST(Explain, APairBeyondReachIsNamedWithCallerDistanceAndRelocations) {
  Recording r;
  r.record.run.signal = SIGSEGV;
  r.code_and_data(r.site(Role::kLlvm, "/lib/libLLVM-14.so.1", "14", "_ZN4llvm3foo3barEi"),
                  5ULL << 30);
  const Detailed run = of(r);
  const Explanation e = explain(run);
  EXPECT_EQ(e.answer, Answer::kCanBe);
  ASSERT_EQ(e.beyond.size(), 1U);
  EXPECT_EQ(e.beyond[0].reach, "delta32");
  EXPECT_EQ(e.beyond[0].distance - e.beyond[0].limit, gib(3) + kib(4));
  EXPECT_EQ(e.beyond[0].from.symbol, "llvm::foo::bar(int)");
  EXPECT_EQ(e.beyond[0].to.kind, "rwdata");
  const std::string text = said(run);
  for (const char* part : {"R_X86_64_PC32", "R_X86_64_PLT32", "Delta32", "killed by SIGSEGV",
                           "llvm::foo::bar in libLLVM-14.so.1", "3 GiB too far", "1 of 1 pair"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(Explain, OnAarch64TheReachesHaveTheirOwnRelocations) {
  Recording r(Isa::kAarch64);
  r.code_and_data(r.site(Role::kCranelift, "/bin/host", "0.127"), 5ULL << 30);
  const Explanation e = explain(of(r));
  ASSERT_FALSE(e.beyond.empty());
  for (const BeyondReach& b : e.beyond) {
    if (b.reach == "adrp") {
      EXPECT_EQ(b.relocations, "Aarch64AdrPrelPgHi21, Aarch64AdrGotPage21");
    }
  }
  EXPECT_EQ(e.beyond[0].binds, Binds::kYes);  // what binds for certain goes first
}

TEST(Explain, FallbacksSayWhatToSet) {
  Detailed run;
  run.shown = at_risk(3);
  run.shown.run.mode = Mode::kAuto;
  for (analyze::ReachUse& reach : run.shown.report.reach) reach.pairs_over = 0;
  run.shown.report.engines.clear();
  const Explanation e = explain(run);
  EXPECT_EQ(e.answer, Answer::kCanBe);
  EXPECT_EQ(e.headline, "placement can be the cause: calls of a JIT were not placed");
  EXPECT_NE(e.next[0].find("JITCORRAL_WINDOW"), std::string::npos);
}

TEST(Explain, WhatWasNotSeenGivesNoAnswer) {
  Detailed run;
  run.shown = not_loaded(4, "/bin/static", "static executable");
  const Explanation e = explain(run);
  EXPECT_EQ(e.answer, Answer::kUnknown);
  EXPECT_EQ(e.unknown, run.shown.report.blind);
}

TEST(Explain, AKillFromOutsideIsToldFromACrash) {
  Detailed run;
  run.shown = without_jit(1, "/bin/true");
  run.shown.run.exit_code.reset();
  run.shown.run.signal = SIGKILL;
  EXPECT_NE(explain(run).ended.find("sent from outside"), std::string::npos);
  run.shown.run.signal = SIGABRT;
  EXPECT_NE(explain(run).ended.find("assertion"), std::string::npos);
}

TEST(Explain, NamesFromOutsideAreHarmlessInText) {
  Recording r;
  r.code_and_data(r.site(Role::kLlvm, "/lib/\x1b[2J.so", "14", "evil\x1b[2Jsymbol"), 5ULL << 30);
  const Detailed run = of(r);
  EXPECT_EQ(said(run).find('\x1b'), std::string::npos);
  EXPECT_NO_THROW(explanation_json(run, explain(run)).dump());
}

TEST(Explain, JsonHasTheSame) {
  Recording r;
  r.code_and_data(r.llvm(), 5ULL << 30);
  const Detailed run = of(r);
  const Json json = explanation_json(run, explain(run));
  EXPECT_EQ(json["answer"], "can-be");
  EXPECT_EQ(json["run"], 12);
  EXPECT_EQ(json["beyond"][0]["excess"], (5ULL << 30) + 0xfff - ((2ULL << 30) - 1));
  EXPECT_EQ(json["beyond"][0]["from"]["begin"], "0x7f0000000000");
}

}  // namespace
}  // namespace jitcorral::show
