// A database can hold anything: what makes no sense is left out and counted, or named; never a
// crash.
#include <gtest/gtest.h>

#include <random>

#include "store_scratch.h"

namespace jitcorral::store {
namespace {

class StoreHostile : public ::testing::Test {
 protected:
  Folder folder;
  std::string path = folder / "hostile.db";
  model::RunId run = 0;

  void SetUp() override {
    Database database = Database::open(path);
    run = add_any_run(database);
    database.batch([&] {
      database.append_events(run, events_from(0, 10));
      model::Site site;
      site.id = 16;
      site.module = "/lib/a.so";
      database.add_site(run, site);
      database.add_unseen(run, {3, {Address{4096}, Address{8192}}, "r-xp"});
    });
  }

  void change(const std::string& sql) { ASSERT_EQ(shell(path, sql), ""); }
  model::Record read() const { return Database::open_readonly(path).record(run).value(); }
};

TEST_F(StoreHostile, ImplausibleEventsAreLeftOutAndCounted) {
  {
    Database database = Database::open(path);
    std::vector<Event> events = events_from(10, 5);
    events[0].call = Call::kCount;
    events[1].outcome = Outcome::kCount;
    events[2].prot_kind = 0xf0;
    events[3].address = 1ULL << 63;
    database.batch([&] { database.append_events(run, events); });
  }
  const model::Record record = read();
  EXPECT_EQ(record.events.size(), 11U);
  EXPECT_EQ(record.run.torn, 4U);
}

TEST_F(StoreHostile, SegmentsOfNoWholeEventsAreLeftOutAndCounted) {
  change("UPDATE run SET torn = 5");
  const std::string insert = "INSERT INTO segment(run, first_ticket, count, events) VALUES(1,0,";
  change(insert + "2, zeroblob(100))");         // 2
  change(insert + "1, 'text')");                // 1
  change(insert + "-9, x'')");                  // at least 1
  change(insert + "9000000000, 1.5)");          // 1024 at most
  change(insert + "3, zeroblob(65536 + 64))");  // 3: longer than any of ours
  change(insert + "7, zeroblob(128))");         // two events of nothing
  const model::Record record = read();
  EXPECT_EQ(record.events.size(), 10U);
  EXPECT_EQ(record.run.torn, 5U + 2 + 1 + 1 + 1024 + 3 + 2);
}

TEST_F(StoreHostile, AppendingBehindAStrangeSegmentLeavesIt) {
  change("INSERT INTO segment(run, first_ticket, count, events) VALUES(1, 0, 1, zeroblob(63))");
  {
    Database database = Database::open(path);
    database.batch([&] { database.append_events(run, events_from(10, 20)); });
  }
  EXPECT_EQ(read().events.size(), 30U);
  EXPECT_EQ(read().run.torn, 1U);
}

TEST_F(StoreHostile, SitesAndRangesThatCannotBeAreLeftOutAndCounted) {
  const std::string site =
      "INSERT INTO site(run, id, role, address, offset, identity, module, symbol, version)"
      " VALUES(1,";
  change(site + "-1, 1, 0, 0, 0, '', '', '')");
  change(site + "4294967296, 1, 0, 0, 0, '', '', '')");
  change(site + "17, 1, 0, 0, 0, hex(zeroblob(40000)), '', '')");
  change(
      "INSERT INTO unseen(run, ticket, range_begin, range_end, permissions)"
      " VALUES(1, 0, 8192, 4096, 'rwxp'), (1, 0, 0, 1, hex(zeroblob(40000)))");
  const model::Record record = read();
  ASSERT_EQ(record.sites.size(), 1U);
  EXPECT_EQ(record.sites[0].id, 16U);
  EXPECT_EQ(record.unseen.size(), 1U);
  EXPECT_EQ(record.run.torn, 5U);
}

TEST_F(StoreHostile, ValuesOfANewerVersionBecomeSafeOnes) {
  change(
      "UPDATE run SET state=200, isa=99, mode=77, near=-3, pid=-1, page_size=1<<40, samples='x',"
      " exit_code=1<<40, signal='abc', counters='[1,2', window_begin='a', verdict=x'00ff'");
  change("UPDATE site SET role = 250");
  const model::Record record = read();
  EXPECT_EQ(record.run.state, model::RunState::kRunning);
  EXPECT_EQ(record.run.isa, Isa::kUnknown);
  EXPECT_EQ(record.run.mode, Mode::kAuto);
  EXPECT_EQ(record.run.near, Near::kAuto);
  EXPECT_EQ(record.run.pid, 0U);
  EXPECT_EQ(record.run.page_size, 0U);
  EXPECT_EQ(record.run.samples, 0U);
  EXPECT_FALSE(record.run.exit_code);
  EXPECT_EQ(record.run.signal, 0);
  EXPECT_FALSE(record.run.counters);
  ASSERT_TRUE(record.run.window);
  EXPECT_TRUE(record.run.window->range.empty());
  EXPECT_EQ(record.sites.at(0).role, Role::kNone);
}

TEST_F(StoreHostile, CountersOfOtherVersionsAreReadAsFarAsTheyGo) {
  change("UPDATE run SET counters = '[7,18446744073709551615]'");
  auto counters = read().run.counters;
  ASSERT_TRUE(counters);
  EXPECT_EQ((*counters)[0], 7U);
  EXPECT_EQ((*counters)[1], UINT64_MAX);
  EXPECT_EQ((*counters)[2], 0U);
  change("UPDATE run SET counters = '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]'");
  EXPECT_EQ(read().run.counters->back(), 1U);
  for (const char* wrong : {"[", "[]", "[,]", "[-1]", "[18446744073709551616]", "{}", "[1 ]", ""}) {
    change(std::string("UPDATE run SET counters = '") + wrong + "'");
    EXPECT_EQ(read().run.counters.has_value(), std::string(wrong) == "[]") << wrong;
  }
}

TEST_F(StoreHostile, OverlongTextsOfARunAreCut) {
  change("UPDATE run SET executable = hex(zeroblob(12000000))");
  EXPECT_EQ(read().run.executable.size(), 16U << 20);
}

TEST_F(StoreHostile, AMissingTableOrAViewInItsPlaceIsRefused) {
  change("DROP TABLE unseen");
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(is_about(refusal([&] { Database::open(path); }), path, "is damaged"));
    EXPECT_TRUE(is_about(refusal([&] { Database::open_readonly(path); }), path, "is damaged"));
    if (i == 0)
      change(
          "CREATE VIEW unseen AS WITH RECURSIVE n(run) AS (SELECT 1 UNION ALL SELECT run FROM n)"
          " SELECT 1 AS id, run, 0 AS ticket, 0 AS range_begin, 0 AS range_end, '' AS permissions"
          " FROM n");
  }
}

TEST_F(StoreHostile, ATriggerInTheFileDoesNothing) {
  change("CREATE TRIGGER t AFTER INSERT ON session BEGIN DELETE FROM run; END");
  Database database = Database::open(path);
  database.batch([&] { database.add_session({}); });
  EXPECT_TRUE(database.run(run));
}

TEST_F(StoreHostile, OverwrittenPagesAreNamedAsDamage) {
  std::string bytes = bytes_of(path);
  for (std::size_t i = 4096; i < bytes.size(); ++i) bytes[i] = '\xff';
  write_bytes(path, bytes);
  const auto use = [&](bool readonly) {
    return refusal([&] {
      Database database = readonly ? Database::open_readonly(path) : Database::open(path);
      database.record(run);
    });
  };
  EXPECT_TRUE(is_about(use(true), path, "is damaged"));
  EXPECT_TRUE(is_about(use(false), path, "is damaged"));
  EXPECT_EQ(bytes_of(path), bytes);
}

TEST_F(StoreHostile, ATruncatedFileIsNamedAsDamage) {
  const std::string bytes = bytes_of(path).substr(0, 3 * 4096);
  write_bytes(path, bytes);
  EXPECT_TRUE(is_about(refusal([&] { Database::open(path); }), path, "is damaged"));
  EXPECT_TRUE(is_about(refusal([&] { Database::open_readonly(path); }), path, "is damaged"));
  EXPECT_EQ(bytes_of(path), bytes);
}

TEST_F(StoreHostile, FlippedBytesAnywhereNeverCrash) {
  const std::string whole = bytes_of(path);
  std::mt19937 random(20240229);  // the same bytes every time
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string bytes = whole;
    for (int flips = 1 + round % 40; flips > 0; --flips)
      bytes[random() % bytes.size()] ^= static_cast<char>(1U << (random() % 8));
    const std::string copy = folder / ("flipped" + std::to_string(round));
    write_bytes(copy, bytes);
    const std::string line = refusal([&] {
      Database database = round % 2 == 0 ? Database::open(copy) : Database::open_readonly(copy);
      for (const model::Session& session : database.sessions())
        for (const model::Run& each : database.runs(session.id)) database.record(each.id);
      if (round % 2 == 0) add_any_run(database);
    });
    if (!line.empty()) {
      ++refused;
      EXPECT_TRUE(is_about(line, copy, ""));
    }
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace jitcorral::store
