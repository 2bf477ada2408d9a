#include <gtest/gtest.h>

#include "show_sample.h"

namespace jitcorral::show {
namespace {

Json of(std::vector<Shown> runs) {
  const model::Session session = sample_session();
  return json(&session, runs);
}

TEST(JsonReport, HasTheKeysThatProgramsReadInAFixedOrder) {
  const Json whole = of({at_risk(12)});
  std::vector<std::string> top, keys;
  for (const auto& item : whole.items()) top.push_back(item.key());
  EXPECT_EQ(top, (std::vector<std::string>{"jitcorral", "verdict", "session", "blind", "runs"}));
  for (const auto& item : whole["runs"][0].items()) keys.push_back(item.key());
  EXPECT_EQ(keys,
            (std::vector<std::string>{
                "id",      "parent",    "pid",   "state",     "reason",    "exe",       "policy",
                "near",    "isa",       "shim",  "page_size", "started",   "ended",     "exit",
                "verdict", "because",   "blind", "window",    "counts",    "record",    "reach",
                "engines", "fallbacks", "uid",   "unit",      "container", "slurm_job", "label"}));
}

TEST(JsonReport, SaysAddressesAsTextAndBytesAsNumbers) {
  const Json run = of({at_risk(12)})["runs"][0];
  EXPECT_EQ(run["window"]["base"], "0x7f39c0000000");
  EXPECT_EQ(run["window"]["size"], mib(1900).count);
  EXPECT_EQ(run["window"]["anchor"]["begin"], "0x7f3a40000000");
  EXPECT_EQ(run["window"]["anchor"]["end"], "0x7f3a40800000");
  EXPECT_EQ(run["reach"]["delta32"]["worst"], 5'583'457'485U);
  EXPECT_EQ(run["reach"]["delta32"]["limit"], 2'147'483'647U);
  EXPECT_EQ(run["reach"]["delta32"]["pairs_over"], 12U);
  EXPECT_EQ(run["reach"]["delta32"]["binds"], "yes");
  EXPECT_TRUE(run["reach"]["delta32"]["on_isa"].get<bool>());
  EXPECT_EQ(run["reach"]["delta32"]["worst_pair"]["to_kind"], "rodata");
}

TEST(JsonReport, HasAllThreeReachesAndNullWithoutAPair) {
  const Json reach = of({at_risk(12)})["runs"][0]["reach"];
  for (const char* name : {"bl", "delta32", "adrp"})
    for (const char* key : {"limit", "worst", "pairs", "pairs_over", "binds", "why", "on_isa"})
      EXPECT_TRUE(reach[name].contains(key)) << name << "." << key;
  EXPECT_TRUE(reach["bl"]["worst"].is_null());
  EXPECT_EQ(reach["bl"]["binds"], "no");
  EXPECT_FALSE(reach["adrp"]["on_isa"].get<bool>());
  EXPECT_EQ(reach["adrp"]["limit"], 4'294'967'295U);
}

TEST(JsonReport, CountsWithReasons) {
  const Json counts = of({at_risk(12)})["runs"][0]["counts"];
  EXPECT_EQ(counts["steered"], 12U);
  EXPECT_EQ(counts["fellback"], 3U);
  EXPECT_EQ(counts["passed"], 48'203U);
  EXPECT_EQ(counts["dropped"], 2U);
  EXPECT_EQ(counts["passed_reasons"]["caller"], 48'201U);
  EXPECT_EQ(counts["passed_reasons"]["fixed"], 0U);
  EXPECT_EQ(counts["passed_reasons"].size(), static_cast<std::size_t>(PassReason::kCount));
}

TEST(JsonReport, KeepsBigNumbersExact) {
  Shown shown = at_risk(12);
  (*shown.run.counters)[ring::kSteered] = UINT64_MAX;
  shown.report.reach[1].worst = Bytes{(1ULL << 56) - 1};
  const Json run = Json::parse(dump(of({shown})))["runs"][0];
  EXPECT_EQ(run["counts"]["steered"].get<std::uint64_t>(), UINT64_MAX);
  EXPECT_EQ(run["reach"]["delta32"]["worst"].get<std::uint64_t>(), (1ULL << 56) - 1);
}

TEST(JsonReport, SaysNullForWhatIsNotKnown) {
  Shown shown = not_loaded(3, "/opt/foo", "static executable");
  shown.run.ended.reset();
  const Json run = of({shown})["runs"][0];
  EXPECT_EQ(run["state"], "not-loaded");
  EXPECT_EQ(run["reason"], "static executable");
  for (const char* key : {"counts", "window", "policy", "shim", "ended", "parent"})
    EXPECT_TRUE(run[key].is_null()) << key;
  EXPECT_TRUE(run["exit"]["code"].is_null());
  EXPECT_TRUE(run["exit"]["signal"].is_null());
  EXPECT_EQ(run["verdict"], "unknown");
}

TEST(JsonReport, SaysHowAndWhenItEnded) {
  const Json run = of({at_risk(12)})["runs"][0];
  EXPECT_EQ(run["started"], "2026-11-21T09:33:26.123Z");
  EXPECT_EQ(run["ended"], "2026-11-21T09:33:27.413Z");
  EXPECT_EQ(run["exit"]["signal"], 11);
  EXPECT_TRUE(run["exit"]["code"].is_null());
}

TEST(JsonReport, HasEnginesWithTheirCallers) {
  const Json engine = of({at_risk(12)})["runs"][0]["engines"][0];
  EXPECT_EQ(engine["role"], "LLVM");
  EXPECT_EQ(engine["version"], "14.0.6");
  EXPECT_EQ(engine["callers"].size(), 2U);
  EXPECT_EQ(engine["callers"][0]["kind"], "code");
  EXPECT_EQ(engine["callers"][0]["span"]["begin"], "0x7efcee3fe000");
  EXPECT_EQ(engine["callers"][0]["fellback"], 3U);
  EXPECT_EQ(engine["never_executable"], 2U);
}

TEST(JsonReport, HasFallbacksVerdictAndBlindSpots) {
  const Json whole = of({at_risk(12), not_loaded(3, "/opt/foo", "")});
  EXPECT_EQ(whole["verdict"], "at-risk");
  const Json& run = whole["runs"][0];
  EXPECT_EQ(run["verdict"], "at-risk");
  EXPECT_EQ(run["fallbacks"][0]["reason"], "the window is full");
  EXPECT_EQ(run["fallbacks"][0]["largest"], mib(4).count);
  EXPECT_EQ(run["blind"], Json::array({"2 events were dropped"}));
}

TEST(JsonReport, OfARingFileHasNoSession) {
  const Shown shown = at_risk(0);
  const Json whole = json(nullptr, std::span(&shown, 1));
  EXPECT_TRUE(whole["session"].is_null());
  EXPECT_EQ(of({})["session"]["status"], 139);
  EXPECT_TRUE(of({})["runs"].is_array());
}

TEST(JsonReport, SurvivesWhatIsNoUtf8) {
  Shown shown = at_risk(12);
  shown.run.executable = "/tmp/\xff\x1b[2J";
  shown.report.because = "\xc3";
  shown.report.engines[0].callers[0].symbol = "\xed\xa0\x80";
  const std::string text = dump(of({shown}));
  EXPECT_EQ(Json::parse(text)["runs"][0]["exe"], "/tmp/\xef\xbf\xbd\x1b[2J");
  for (const char c : text) EXPECT_TRUE((c >= 0x20 && c < 0x7f) || c == '\n') << text;
}

TEST(JsonReport, DumpOfAnyJsonNeverThrows) {
  EXPECT_NO_THROW(dump(Json{{"path", "\xff"}}));
}

}  // namespace
}  // namespace jitcorral::show
