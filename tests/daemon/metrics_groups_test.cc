// Groups: what becomes one, and that there are never too many.
#include <gtest/gtest.h>

#include "analyze/report.h"
#include "metrics/groups.h"

namespace jitcorral::metrics {
namespace {

TEST(MetricsLabels, VerdictsAreTheAnalysis) {
  ASSERT_EQ(std::size(kVerdictNames), std::size(analyze::kVerdictNames));
  for (std::size_t i = 0; i < std::size(kVerdictNames); ++i)
    EXPECT_EQ(kVerdictNames[i], analyze::kVerdictNames[i]);
}

TEST(MetricsLabels, ServicesKeepTheirNames) {
  for (const char* unit : {"nginx.service", "postgresql@15-main.service", "user@1000.service",
                           "cron-deadbeefcafe42.service", "init.scope"})
    EXPECT_EQ(unit_label(unit), unit);
  EXPECT_EQ(unit_label(""), "none");
}

TEST(MetricsLabels, TransientUnitsAreOneGroup) {
  EXPECT_EQ(unit_label("session-7.scope"), "session-*.scope");
  EXPECT_EQ(unit_label("run-u12.service"), "run-*.service");
  EXPECT_EQ(unit_label("run-p4711-i4712.scope"), "run-*-i4712.scope");
  EXPECT_EQ(unit_label("run-r0123456789abcdef0123456789abcdef.scope"), "run-*.scope");
  EXPECT_EQ(unit_label("docker-4f0c93aa1b2c3d4e5f60718293a4b5c6.scope"), "docker-*.scope");
  EXPECT_EQ(unit_label("app-gnome-editor-12345.scope"), "app-gnome-editor-*.scope");
}

TEST(MetricsLabels, PathsLoseTheirFolders) {
  EXPECT_EQ(executable_label("/home/alice/bin/julia"), "julia");
  EXPECT_EQ(executable_label("julia"), "julia");
  EXPECT_EQ(executable_label(""), "unknown");
  EXPECT_EQ(executable_label("/"), "unknown");
}

TEST(MetricsLabels, WhatIsNoTextBecomesQuestionMarks) {
  EXPECT_EQ(executable_label("a\xff\x1b[31m\nb"), "a??[31m?b");
  EXPECT_EQ(executable_label("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(executable_label("\xf0\x9f\x90\xb4"), "\xf0\x9f\x90\xb4");
  EXPECT_EQ(executable_label("\xed\xa0\x80"), "???");       // a surrogate
  EXPECT_EQ(executable_label("\xc0\xaf"), "??");            // overlong
  EXPECT_EQ(executable_label("\xf4\x90\x80\x80"), "????");  // beyond U+10FFFF
  EXPECT_EQ(executable_label("\xc2\x85x"), "??x");          // a control character of C1
  EXPECT_EQ(executable_label("\xe2\x82"), "??");            // cut short
}

TEST(MetricsLabels, AreCutBetweenCharacters) {
  EXPECT_EQ(executable_label(std::string(1000, 'x')), std::string(kLongestLabel, 'x'));
  EXPECT_EQ(executable_label(std::string(127, 'x') + "\xc3\xbc"), std::string(127, 'x'));
  EXPECT_EQ(unit_label(std::string(300, '\xff')), std::string(kLongestLabel, '?'));
}

TEST(MetricsGroups, OneForEachPair) {
  Groups groups;
  groups.of("a.service", "/usr/bin/x").events = 1;
  groups.of("a.service", "/opt/bin/x").events += 2;
  groups.of("b.service", "x").events = 4;
  ASSERT_EQ(groups.all().size(), 2u);
  EXPECT_EQ(groups.all().at({"a.service", "x"}).events, 3u);
}

TEST(MetricsGroups, TheRestIsOther) {
  Groups groups(4);
  for (int i = 0; i < 20; ++i) ++groups.of("u" + std::to_string(i), "x").living;
  ASSERT_EQ(groups.all().size(), 4u);
  EXPECT_EQ(groups.all().at({"other", "other"}).living, 17u);
  ++groups.of("u0", "x").living;  // who was there stays
  EXPECT_EQ(groups.all().at({"u0", "x"}).living, 2u);
}

TEST(MetricsGroups, OneUnitLeavesRoomForOthers) {
  Groups groups(20, 3);
  for (int i = 0; i < 100; ++i) ++groups.of("greedy", "x" + std::to_string(i)).living;
  ++groups.of("modest", "x").living;
  ASSERT_EQ(groups.all().size(), 5u);
  EXPECT_EQ(groups.all().at({"greedy", "other"}).living, 97u);
  EXPECT_EQ(groups.all().at({"modest", "x"}).living, 1u);
}

TEST(MetricsGroups, ShimsCountersAreSortedIn) {
  std::array<std::uint64_t, ring::kCounters> counters{};
  for (std::size_t i = 0; i < counters.size(); ++i) counters[i] = i + 1;
  Group group;
  group.add(counters);
  EXPECT_EQ(group.placements[ring::kSteered], 1u);
  EXPECT_EQ(group.placements[ring::kGivenBack], 5u);
  std::uint64_t passed = 0;
  for (std::size_t i = ring::kPassed; i < counters.size(); ++i) passed += i + 1;
  EXPECT_EQ(group.passed, passed);
}

TEST(MetricsGroups, UnheardOfVerdictsAreUnknown) {
  Group group;
  group.count_verdict("at-risk");
  group.count_verdict("");
  group.count_verdict("no such verdict");
  EXPECT_EQ(group.verdicts, (std::array<std::uint64_t, 5>{0, 1, 0, 0, 2}));
}

}  // namespace
}  // namespace jitcorral::metrics
