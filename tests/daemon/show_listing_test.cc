#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include "show_sample.h"

namespace jitcorral::show {
namespace {

std::vector<Listed> sample() {
  model::Run jit = at_risk(12).run;
  jit.verdict = std::string("at-risk");
  return {{sample_session(), {jit, not_loaded(13, "/opt/foo", "static executable").run}}};
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Listing, HasALineForEachRunUnderItsSession) {
  setenv("TZ", "UTC", 1);
  tzset();
  const std::string text = listing(sample(), {});
  EXPECT_EQ(text,
            "session 7  2026-11-21 09:33:26  python3, ended with 139 after 1.5 s\n"
            "  run  process      pid  policy   verdict  steered  fell back  ended\n"
            "   12  python3.11  4712  scatter  at-risk       12          3  killed by SIGSEGV\n"
            "   13  foo         4713  -        -              -          -  not loaded: static "
            "executable\n");
}

TEST(Listing, SaysWhatIsNotKnown) {
  std::vector<Listed> listed = sample();
  listed[0].runs[0].counters.reset();
  listed[0].runs[0].verdict.clear();
  listed[0].session.status.reset();
  listed[0].session.ended.reset();
  const std::string text = listing(listed, {});
  EXPECT_TRUE(has(text, "scatter  -              ?          ?")) << text;
  EXPECT_TRUE(has(text, "python3, not seen to end\n")) << text;
  listed[0].runs.clear();
  EXPECT_TRUE(has(listing(listed, {}), "no process was recorded"));
}

TEST(Listing, NeutralisesEscapesFromProcesses) {
  std::vector<Listed> listed = sample();
  listed[0].session.command = "\x1b[2J";
  listed[0].runs[0].executable = "/tmp/\x1b[2J\n";
  listed[0].runs[0].verdict = "\x1b";
  listed[0].runs[1].reason = "\x9b";
  const std::string text = listing(listed, {});
  EXPECT_FALSE(has(text, "\x1b")) << text;
  EXPECT_FALSE(has(text, "\x9b"));
  EXPECT_TRUE(has(text, "\\x1b[2J\\n")) << text;
}

TEST(Listing, HasColoursOnlyWhenAsked) {
  EXPECT_FALSE(has(listing(sample(), {}), "\x1b"));
  EXPECT_TRUE(has(listing(sample(), {.colour = true}), "\x1b[1msession 7"));
}

TEST(Listing, AsJsonHasSessionsWithTheirRuns) {
  const Json json = listing_json(sample());
  const Json& session = json["sessions"][0];
  EXPECT_EQ(session["id"], 7);
  EXPECT_EQ(session["status"], 139);
  EXPECT_EQ(session["runs"][0]["verdict"], "at-risk");
  EXPECT_EQ(session["runs"][0]["counts"]["steered"], 12U);
  EXPECT_TRUE(session["runs"][1]["verdict"].is_null());
  EXPECT_TRUE(session["runs"][1]["counts"].is_null());
}

}  // namespace
}  // namespace jitcorral::show
