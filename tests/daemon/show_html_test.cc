#include "show/html.h"

#include <gtest/gtest.h>

#include "show_sample.h"

namespace jitcorral::show {
namespace {

constexpr std::uint64_t kAt = 0x7f0000000000;

Detailed sample(model::RunId id, std::size_t calls) {
  model::Record record;
  record.run = sample_run(id, "/usr/bin/prog");
  model::Site site;
  site.id = 8;
  site.role = Role::kLlvm;
  site.module = std::string("/lib/libLLVM-14.so.1");
  site.address = 0x7fff00001234;
  site.offset = 0x1234;
  record.sites.push_back(site);
  for (std::size_t i = 0; i < calls; ++i) {
    Event e{};
    e.ticket = 10 + i;
    e.time = 1000 + i;
    e.address = kAt + i * 0x2000;
    e.length = 0x1000;
    e.call = Call::kMap;
    e.outcome = Outcome::kSteered;
    e.prot_kind = 7;
    e.flags = 0x22;
    e.site = 8;
    record.events.push_back(e);
  }
  analyze::Report report = analyze::analyse(record);
  analyze::Placements placements = analyze::placements_of(record, report);
  return {{record.run, report}, record.sites, record.events, {}, placements};
}

Json data_of(std::span<const Detailed> runs, std::size_t most = 1000) {
  PageOptions options;
  options.most_calls = most;
  const model::Session session = sample_session();
  const std::string text = page_data(&session, runs, options);
  EXPECT_EQ(text.find_first_of("<>&"), std::string::npos);
  return Json::parse(text);
}

TEST(Html, CallsAndPlacementsAreColumnsThatFitTogether) {
  const Detailed run = sample(1, 3);
  const Json data = data_of(std::span(&run, 1));
  const Json& one = data["runs"][0];
  EXPECT_EQ(one["calls"]["ticket"], (Json{10, 11, 12}));
  EXPECT_EQ(one["calls"]["time"], (Json{0, 1, 2}));
  EXPECT_EQ(one["calls"]["address"][1], kAt + 0x2000);
  EXPECT_EQ(one["placements"]["born"], (Json{0, 1, 2}));
  EXPECT_EQ(one["placements"]["died"], (Json{-1, -1, -1}));
  EXPECT_EQ(one["placements"]["engine"], (Json{0, 0, 0}));
  EXPECT_EQ(one["callers"][one["calls"]["caller"][0].get<std::size_t>()]["module"],
            "/lib/libLLVM-14.so.1");
  EXPECT_EQ(one["modules"][0]["begin"], 0x7fff00000000);
  EXPECT_EQ(one["farthest"]["distance"].back(), 0x4fff);
  EXPECT_EQ(data["report"]["runs"][0]["id"], 1);
}

TEST(Html, EventsWithoutATimeStandWhereTheOneBeforeThemDoes) {
  Detailed run = sample(1, 3);
  run.events[1].time = 0;
  const Json data = data_of(std::span(&run, 1));
  EXPECT_EQ(data["runs"][0]["calls"]["time"], (Json{0, 0, 2}));
}

TEST(Html, WhatThePageCantCarryIsCountedAndTheWorstRunGoesFirst) {
  std::vector<Detailed> runs = {sample(1, 3), sample(2, 3)};
  runs[1].shown.report.verdict = analyze::Verdict::kAtRisk;
  const Json data = data_of(runs, 4);
  EXPECT_EQ(data["runs"][0]["id"], 2);
  EXPECT_EQ(data["runs"][0]["calls"]["ticket"].size(), 3U);
  EXPECT_EQ(data["runs"][1]["calls"]["ticket"].size(), 1U);
  EXPECT_EQ(data["runs"][1]["events"], 3);
  EXPECT_EQ(data["runs"][1]["placements"]["born"].size(), 1U);
}

TEST(Html, NothingOfTheDataCanEndItsBlockOrFillAPlace) {
  Detailed run = sample(1, 1);
  run.shown.run.executable = std::string("/x/</script><!--@STYLE@@NONCE@\xe2\x80\xa8\xff");
  PageOptions options;
  options.nonce = std::string("0123abcd");
  const std::string page = html(nullptr, std::span(&run, 1), options);
  std::size_t ends = 0;
  for (std::size_t at = page.find("</script"); at != std::string::npos;
       at = page.find("</script", at + 1))
    ++ends;
  EXPECT_EQ(ends, 2U);
  EXPECT_NE(page.find("@STYLE@@NONCE@"), std::string::npos);  // the data's, as it was
  EXPECT_EQ(page.find("\xe2\x80\xa8"), std::string::npos);
  EXPECT_NE(page.find("script-src 'nonce-0123abcd'"), std::string::npos);
  EXPECT_EQ(page.find("@DATA@"), std::string::npos);
}

TEST(Html, ThePageNamesNoOtherPlace) {
  const std::string page = html(nullptr, {}, {});
  for (const char* word : {"http:", "https:", "src=", "url(", "@import", "fetch("})
    EXPECT_EQ(page.find(word), std::string::npos) << word;
}

}  // namespace
}  // namespace jitcorral::show
