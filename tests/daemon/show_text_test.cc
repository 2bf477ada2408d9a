#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "show/layout.h"
#include "show_sample.h"

namespace jitcorral::show {
namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string report_of(std::vector<Shown> runs, TextOptions options = {}) {
  const model::Session session = sample_session();
  return text(&session, runs, options);
}

TEST(TextReport, BeginsWithTheVerdictAndItsReason) {
  const std::string text = report_of({at_risk(12)});
  EXPECT_EQ(text.find("at-risk: code and data of LLVM 14.0.6 in libllvmlite.so lay 5.2 GiB apart"),
            0U)
      << text;
  EXPECT_TRUE(lines_of(text)[1].starts_with("next: ")) << text;
}

TEST(TextReport, AdvisesByVerdictAndPolicy) {
  Shown shown = at_risk(12);
  EXPECT_TRUE(has(report_of({shown}), "next: `jitcorral run --policy auto"));
  shown.run.mode = Mode::kAuto;
  EXPECT_TRUE(has(report_of({shown}), "next: 'fell back' below"));
  shown.report.fallbacks.clear();
  EXPECT_TRUE(has(report_of({shown}), "next: `jitcorral run --repeat"));
  shown.report.verdict = analyze::Verdict::kWithinReach;
  EXPECT_TRUE(has(report_of({shown}), "look elsewhere"));
  shown.report.verdict = analyze::Verdict::kUnknown;
  EXPECT_TRUE(has(report_of({shown}), "'not seen' below"));
}

TEST(TextReport, PutsAtRiskBeforeUnknownBeforeWithinReach) {
  Shown unknown = without_jit(2, "u"), within = without_jit(3, "w");
  unknown.report.verdict = analyze::Verdict::kUnknown;
  within.report.verdict = analyze::Verdict::kWithinReach;
  EXPECT_EQ(report_of({within, unknown, at_risk(1)}).find("at-risk: run 1 "), 0U);
  EXPECT_EQ(report_of({within, unknown}).find("unknown: run 2 "), 0U);
  EXPECT_EQ(report_of({without_jit(4, "n"), within}).find("within-reach: run 3 "), 0U);
}

TEST(TextReport, NamesTheRunOfTheWorstVerdictWhenThereAreSeveral) {
  const std::string text = report_of({without_jit(10, "/bin/sh"), at_risk(12)});
  EXPECT_EQ(text.find("at-risk: run 12 (python3.11): code and data"), 0U) << text;
}

TEST(TextReport, SaysHowTheProcessEnded) {
  EXPECT_TRUE(has(report_of({at_risk(12)}), "killed by SIGSEGV after 1.2 s"));
}

TEST(TextReport, ShowsWindowAnchorAndCounts) {
  const std::string text = report_of({at_risk(12)});
  EXPECT_TRUE(has(text, "1.9 GiB at 0x7f39c0000000-0x7f3a36c00000")) << text;
  EXPECT_TRUE(has(text, "near 0x7f3a40000000-0x7f3a40800000"));
  EXPECT_TRUE(has(text, "12 steered, 3 fell back"));
  EXPECT_TRUE(has(text, "48,203 passed (size 2, caller 48,201), 2 events dropped"));
}

TEST(TextReport, SaysWhyThereIsNoWindow) {
  Shown shown = at_risk(12);
  shown.run.window.reset();
  EXPECT_TRUE(has(report_of({shown}), "window  none: scatter places far apart"));
  shown.run.mode = Mode::kAuto;
  EXPECT_TRUE(has(report_of({shown}), "window  none was opened"));
}

TEST(TextReport, MarksReachesThatTheIsaLacks) {
  const std::string text = report_of({at_risk(12)});
  EXPECT_TRUE(has(text, "bl, adrp: not on x86-64")) << text;
  EXPECT_TRUE(has(text, "delta32 farthest: code 0x7efcee3fe000-0x7efcee3ff000 and rodata"));
  EXPECT_TRUE(has(text, "delta32 binds: RuntimeDyld writes"));
}

TEST(TextReport, NeverWritesADistanceOverTheLimitAsTheLimit) {
  Shown shown = at_risk(12);
  shown.report.reach[1].worst = gib(2) + kib(4);
  EXPECT_TRUE(has(report_of({shown}), "2 GiB + 4 KiB")) << report_of({shown});
}

TEST(TextReport, SaysWhatToSetForEachReasonToFallBack) {
  for (std::size_t i = 1; i < static_cast<std::size_t>(PlaceFailure::kCount); ++i) {
    Shown shown = at_risk(12);
    shown.report.fallbacks[0].reason = static_cast<PlaceFailure>(i);
    const std::string text = report_of({shown});
    EXPECT_TRUE(has(text, kPlaceFailureTexts[i])) << text;
  }
  EXPECT_TRUE(has(report_of({at_risk(12)}), "set a larger JITCORRAL_WINDOW"));
}

TEST(TextReport, ListsWhatWasNotSeen) {
  EXPECT_TRUE(has(report_of({at_risk(12)}), "- 2 events were dropped"));
}

TEST(TextReport, NamesCallersWithoutTheirParameters) {
  const std::string text = report_of({at_risk(12)});
  EXPECT_TRUE(has(text, "    llvm::sys::Memory::allocateMappedMemory  code ")) << text;
  Shown shown = at_risk(12);
  shown.report.engines[0].callers[0].symbol = std::string("a::operator()(int (*)(char))");
  shown.report.engines[0].callers[1].symbol.clear();
  EXPECT_TRUE(has(report_of({shown}), "    a::operator()  code ")) << report_of({shown});
  EXPECT_TRUE(has(report_of({shown}), "    (no symbol)    rodata ")) << report_of({shown});
}

TEST(TextReport, TellsOfMemoryThatNeverBecameCode) {
  Shown shown = at_risk(12);
  EXPECT_FALSE(has(report_of({shown}), "never became executable")) << "beside code it is data";
  shown.report.engines[0].any_executable = false;
  EXPECT_TRUE(has(report_of({shown}), "2 mappings (8 KiB) never became executable: the host may"));
}

TEST(TextReport, FoldsProcessesWithoutJitAndThoseNotLoaded) {
  std::vector<Shown> runs = {at_risk(1)};
  for (int i = 2; i < 5; ++i) runs.push_back(without_jit(i, "/bin/sh"));
  runs.push_back(without_jit(5, "/usr/lib/gcc/cc1"));
  runs.push_back(not_loaded(6, "/opt/foo", "static executable"));
  const std::string text = report_of(runs);
  EXPECT_TRUE(has(text, "\n4 processes without JIT: sh (3), cc1\n")) << text;
  EXPECT_TRUE(has(text, "\nnot loaded: foo (static executable)\n")) << text;
  EXPECT_FALSE(has(text, "run 3"));
}

TEST(TextReport, ShowsASingleProcessWithoutJitInFull) {
  const std::string text = report_of({without_jit(3, "/bin/sh")});
  EXPECT_EQ(text.find("no-jit: no JIT was at work.\n"), 0U);
  EXPECT_TRUE(has(text, "run 3  sh, pid 4703")) << text;
}

TEST(TextReport, PutsManyJitProcessesOnALineEach) {
  std::vector<Shown> runs;
  for (int i = 1; i <= 200; ++i) runs.push_back(at_risk(i));
  const std::string text = report_of(runs);
  EXPECT_LT(lines_of(text).size(), 330U);
  EXPECT_TRUE(has(text, "\n200  python3.11  at-risk       12          3  killed by SIGSEGV\n"))
      << text;
}

TEST(TextReport, SaysWhenCountsAreUnknown) {
  Shown shown = at_risk(12);
  shown.run.counters.reset();
  shown.run.recorded = 1234;
  EXPECT_TRUE(
      has(report_of({shown}), "unknown: the process ended before it could say; 1,234 events"));
}

TEST(TextReport, OfNoRunIsUnknown) {
  EXPECT_EQ(report_of({}).find("unknown: no process"), 0U);
}

TEST(TextReport, OfARingFileNeedsNoSession) {
  Shown shown = at_risk(0);
  const std::string text = show::text(nullptr, std::span(&shown, 1), {});
  EXPECT_FALSE(has(text, "session"));
  EXPECT_TRUE(has(text, "process python3.11, pid 4700")) << text;
}

TEST(TextReport, HasColoursOnlyWhenAsked) {
  EXPECT_FALSE(has(report_of({at_risk(12)}), "\x1b"));
  const std::string text = report_of({at_risk(12)}, {.colour = true});
  EXPECT_EQ(text.find("\x1b[1;31mat-risk\x1b[0m: "), 0U);
  EXPECT_EQ(report_of({without_jit(1, "x")}, {.colour = true}).find("\x1b[1;32mno-jit"), 0U);
}

TEST(TextReport, NeutralisesEscapesFromProcesses) {
  constexpr const char* kEvil = "a\x1b]0;owned\x07\n\xc2\x9b\xff";
  Shown shown = at_risk(12);
  shown.run.executable = kEvil;
  shown.run.reason = kEvil;
  shown.report.because = kEvil;
  shown.report.blind = {kEvil};
  analyze::EngineUse& engine = shown.report.engines[0];
  engine.name = engine.module = engine.version = kEvil;
  engine.callers[0].module = engine.callers[0].symbol = kEvil;
  shown.report.reach[1].why = kEvil;
  model::Session session = sample_session();
  session.command = session.host = kEvil;
  Shown missing = not_loaded(2, kEvil, kEvil);
  const std::vector<Shown> runs = {shown, missing};
  const std::string text = show::text(&session, runs, {});
  const auto bad = std::find_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == '\xff' || c == '\x9b';
  });
  EXPECT_TRUE(bad == text.end()) << text;
  EXPECT_TRUE(has(text, "a\\x1b]0;owned\\x07\\n")) << text;
}

TEST(TextReport, KeepsToTheWidth) {
  const std::vector<Shown> runs = {at_risk(12), without_jit(1, "/bin/sh"), at_risk(13)};
  for (const unsigned width : {80U, 100U, 120U})
    for (const std::string& line : lines_of(report_of(runs, {.width = width})))
      EXPECT_LE(columns(line), width) << line;
}

TEST(TextReport, EndsWithHowToGoOn) {
  TextOptions options;
  options.again = "jitcorral report --db x.db";
  const std::string text = report_of({at_risk(12), without_jit(1, "/bin/sh")}, options);
  EXPECT_TRUE(has(text, "jitcorral report --db x.db --run 12")) << text;
  EXPECT_TRUE(has(text, "jitcorral report --db x.db --json"));
}

}  // namespace
}  // namespace jitcorral::show
