#include "show/share.h"

#include <gtest/gtest.h>

#include "show_sample.h"

namespace jitcorral::show {
namespace {

Sharing of_alice() {
  Sharing sharing;
  sharing.add_home("/home/alice");
  sharing.add_user("alice");
  sharing.add_host("box.example.org");
  return sharing;
}

TEST(Share, HomesBecomeATilde) {
  const Sharing sharing = of_alice();
  EXPECT_EQ(sharing.text("/home/alice/env/lib/x.so"), "~/env/lib/x.so");
  EXPECT_EQ(sharing.text("/home/alice"), "~");
  EXPECT_EQ(sharing.text("/home/bob/x.so and /root/.venv/y.so"), "~/x.so and ~/.venv/y.so");
  EXPECT_EQ(sharing.text("/Users/Carol/x"), "~/x");
}

TEST(Share, WhatOnlyLooksLikeAHomeStays) {
  const Sharing sharing = of_alice();
  EXPECT_EQ(sharing.text("/usr/lib/home/x"), "/usr/lib/home/x");
  EXPECT_EQ(sharing.text("/srv/home/bob/x"), "/srv/home/bob/x");
  EXPECT_EQ(sharing.text("/rootfs/lib"), "/rootfs/lib");
  EXPECT_EQ(sharing.text("/home/"), "/home/");
}

TEST(Share, AHomeIsNotTakenForTheBeginningOfALongerName) {
  Sharing sharing;
  sharing.add_home("/data/al");
  EXPECT_EQ(sharing.text("/data/al/x"), "~/x");
  EXPECT_EQ(sharing.text("/data/alice/x"), "/data/alice/x");
}

TEST(Share, NamesOfUsersAndMachinesGoWhereTheyAreWords) {
  const Sharing sharing = of_alice();
  EXPECT_EQ(sharing.text("/scratch/alice/x, alice-env"), "/scratch/USER/x, USER-env");
  EXPECT_EQ(sharing.text("malice in alice2"), "malice in alice2");
  EXPECT_EQ(sharing.text("on box.example.org, box"), "on HOST, HOST");
}

TEST(Share, NamesWithBlanksAndPatternsAreLearnedFromPaths) {
  Sharing sharing;
  sharing.learn("/home/al ice/x.so");
  sharing.learn("/home/(a+)+$/x.so");
  EXPECT_EQ(sharing.text("not placed: /home/al ice/x.so by al ice"), "not placed: ~/x.so by USER");
  EXPECT_EQ(sharing.text("/home/(a+)+$/x.so"), "~/x.so");
}

TEST(Share, HostileTextsComeThrough) {
  Sharing sharing = of_alice();
  sharing.add_user("");
  sharing.add_home("");
  sharing.add_home("/");
  sharing.learn("/home//x");
  EXPECT_EQ(sharing.text(""), "");
  EXPECT_EQ(sharing.text("/"), "/");
  EXPECT_EQ(sharing.text("/lib/\xff\x1b[2J"), "/lib/\xff\x1b[2J");
  EXPECT_EQ(sharing.text("/home/alice/home/alice/alice"), "~~/USER");
}

TEST(Share, NothingOfTheUserIsLeftInAnyReport) {
  Detailed run;
  run.shown = at_risk(3);
  run.shown.run.executable = std::string("/home/alice/bin/prog");
  run.shown.run.label = std::string("alice's job");
  run.shown.run.unit = std::string("alice-jit.service");
  run.shown.run.uid = 1000;
  run.shown.report.because = std::string("LLVM in /home/alice/lib.so on box");
  run.shown.report.engines[0].module = std::string("/scratch/alice/lib.so");
  run.shown.report.engines[0].callers[0].symbol = std::string("alice::compile");
  model::Site site;
  site.module = std::string("/home/alice/lib.so");
  run.sites.push_back(site);
  analyze::Caller caller;
  caller.module = std::string("/home/alice/lib.so");
  run.placements.callers.push_back(caller);
  model::Session session = sample_session();
  session.command = std::string(R"(["/home/alice/bin/prog","--password","secret"])");
  session.host = std::string("box");

  std::vector<Shown> brief = {run.shown};
  std::vector<Detailed> detailed = {run};
  Sharing sharing;
  sharing.add_user("alice");
  share(sharing, &session, brief, detailed);
  const std::string all =
      text(&session, brief, {}) + dump(json(&session, brief)) + page_data(&session, detailed, {});
  for (const char* word : {"alice", "secret", "\"box\"", "on box", "1000\n"})
    EXPECT_EQ(all.find(word), std::string::npos) << word;
  EXPECT_NE(all.find("~/bin/prog"), std::string::npos);
  EXPECT_EQ(session.command, "prog");
}

}  // namespace
}  // namespace jitcorral::show
