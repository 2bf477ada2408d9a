// What a daemon hands out (images), keeps within bounds (retention), and finds again after its own
// death (living runs, tickets).
#include <gtest/gtest.h>

#include "store/image.h"
#include "store_scratch.h"

namespace jitcorral::store {
namespace {

model::Run run_of(model::SessionId session, std::uint32_t uid, std::uint32_t pid) {
  model::Run run;
  run.session = session;
  run.uid = uid;
  run.pid = pid;
  return run;
}

// Two users: 1000 has runs 1 (ended) and 2 (living, forked from 1), 1001 has run 3.
void fill(Database& database) {
  database.batch([&] {
    const model::SessionId session = database.add_session({});
    for (const std::uint32_t pid : {11U, 12U, 13U}) {
      model::Run run = run_of(session, pid == 13 ? 1001 : 1000, pid);
      run.state = pid == 11 ? model::RunState::kEnded : model::RunState::kRunning;
      run.started = pid;
      if (pid == 12) run.parent = 1;
      const model::RunId id = database.add_run(run);
      model::Site site;
      site.id = pid;
      database.add_site(id, site);
      database.append_events(id, events_from(0, 100 * pid));
    }
  });
}

std::vector<model::RunId> ids_in(const std::string& image) {
  const Database database = Database::open_image(image, "image");
  std::vector<model::RunId> ids;
  for (const model::Session& session : database.sessions())
    for (const model::Run& run : database.runs(session.id)) ids.push_back(run.id);
  return ids;
}

using Ids = std::vector<model::RunId>;
using What = Wanted::What;

TEST(StoreImage, HoldsWhatWasAskedForWithItsEventsAndParents) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  fill(database);
  const std::string image = image_of(folder / "a.db", {What::kRun, 2, {}, false});
  EXPECT_EQ(ids_in(image), (Ids{1, 2}));
  const Database read = Database::open_image(image, "image");
  EXPECT_EQ(read.record(2)->events.size(), 1200U);
  EXPECT_EQ(read.record(2)->sites.size(), 1U);
  EXPECT_EQ(read.record(1)->events.size(), 1100U);
  EXPECT_EQ(ids_in(image_of(folder / "a.db", {What::kPid, 13, {}, false})), Ids{3});
  EXPECT_EQ(ids_in(image_of(folder / "a.db", {What::kLatest, 1, {}, false})), Ids{3});
  EXPECT_EQ(ids_in(image_of(folder / "a.db", {What::kSince, 13, {}, false})), Ids{3});
  EXPECT_EQ(ids_in(image_of(folder / "a.db", {What::kLiving, 0, {}, false})), (Ids{1, 2, 3}));
  EXPECT_EQ(ids_in(image_of(folder / "a.db", {What::kRun, 99, {}, false})), Ids{});
}

TEST(StoreImage, HoldsNothingOfOthers) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  fill(database);
  for (const What what : {What::kRun, What::kPid, What::kLatest, What::kLiving, What::kSince}) {
    for (const std::int64_t number : {0, 1, 2, 3, 11, 12, 13, 100}) {
      const std::string image = image_of(folder / "a.db", {what, number, 1001, false});
      for (const model::RunId id : ids_in(image)) EXPECT_EQ(id, 3);
      // Not even in pages that nothing refers to.
      EXPECT_LT(image.size(), bytes_of(folder / "a.db").size() + (256U << 10));
    }
  }
  EXPECT_EQ(ids_in(image_of(folder / "a.db", {What::kLatest, 0, 1000, false})), (Ids{1, 2}));
  EXPECT_EQ(ids_in(image_of(folder / "a.db", {What::kLatest, 0, 7, false})), Ids{});
}

TEST(StoreImage, OfRowsOnlyHasNoEvents) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  fill(database);
  const Database read =
      Database::open_image(image_of(folder / "a.db", {What::kLatest, 0, {}, true}), "image");
  EXPECT_EQ(read.record(3)->events.size(), 0U);
  EXPECT_EQ(read.record(3)->run.pid, 13U);
}

TEST(StoreImage, OfTooMuchIsRefusedButItsRowsMayBeHad) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  fill(database);
  const std::vector<Event> many(1 << 16);
  database.batch([&] { database.append_events(1, many); });
  Wanted wanted;
  wanted.most_bytes = 3 * 1024;
  EXPECT_THROW(image_of(folder / "a.db", wanted), TooMuch);
  wanted.rows_only = true;
  EXPECT_NE(image_of(folder / "a.db", wanted), "");
  wanted.most_bytes = 1024;
  EXPECT_THROW(image_of(folder / "a.db", wanted), TooMuch);
}

TEST(StoreImage, OfHostileBytesIsRefused) {
  EXPECT_NE(refusal([] { Database::open_image("", "image"); }), "");
  EXPECT_NE(refusal([] { Database::open_image(std::string(8192, 'x'), "image"); }), "");
  const Folder folder;
  { Database::open(folder / "a.db"); }
  std::string image = image_of(folder / "a.db", {});
  image[68] = static_cast<char>(image[68] ^ 1);  // the application id
  EXPECT_NE(refusal([&] { Database::open_image(image, "image"); }), "");
}

TEST(StoreRetention, DeletesWhatEndedBeforeATimeAndKeepsWhatLives) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  fill(database);
  Retention retention;
  retention.oldest = 1000;
  EXPECT_EQ(database.retain(retention).runs, 1U);
  EXPECT_FALSE(database.retain(retention).more);
  EXPECT_FALSE(database.run(1));
  EXPECT_TRUE(database.run(2));
  EXPECT_FALSE(database.run(2)->parent);
  EXPECT_EQ(shell(folder / "a.db", "SELECT count(*) FROM segment WHERE run = 1"), "0");
}

TEST(StoreRetention, KeepsTheDatabaseBelowItsBound) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  database.batch([&] {
    const model::SessionId session = database.add_session({});
    for (std::uint32_t pid = 1; pid <= 40; ++pid) {
      model::Run run = run_of(session, pid % 4 == 0 ? 2 : 1, pid);
      run.state = model::RunState::kEnded;
      run.ended = pid;
      run.recorded = 4096;
      database.append_events(database.add_run(run), noisy_events(0, 4096));
    }
  });
  Retention retention;
  retention.most_bytes = 5 << 20;
  ASSERT_GT(database.size(), retention.most_bytes);
  while (database.retain(retention).more) {
  }
  EXPECT_LE(database.size(), retention.most_bytes);
  EXPECT_GT(database.size(), retention.most_bytes / 2);
  // The one who holds most goes first: the other still has his latest, and more than a quarter.
  EXPECT_FALSE(database.run(1));
  EXPECT_TRUE(database.run(40));
  EXPECT_GE(std::stoi(shell(folder / "a.db", "SELECT count(*) FROM run WHERE uid = 2")), 8);
}

TEST(StoreRetention, TakesTheOldestEventsOfWhatGoesOnWhenThereIsNothingElse) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  database.batch([&] {
    model::Run run = run_of(database.add_session({}), 1, 1);
    run.recorded = 100'000;
    database.append_events(database.add_run(run), noisy_events(0, 100'000));
  });
  Retention retention;
  retention.most_bytes = 3 << 20;
  std::uint64_t segments = 0;
  for (Removed removed; (removed = database.retain(retention)).more;) segments += removed.segments;
  EXPECT_GT(segments, 0U);
  EXPECT_LE(database.size(), retention.most_bytes);
  EXPECT_EQ(database.record(1)->events.back().ticket, 99'999U);
}

TEST(StoreRetention, GoesOnToTheNextWhenOneThatGoesOnHasNoEventsLeft) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  database.batch([&] {
    const model::SessionId session = database.add_session({});
    for (std::uint32_t pid : {1, 2}) {
      model::Run run = run_of(session, 1, pid);
      run.recorded = pid == 1 ? 9'000'000 : 100'000;  // most of them were deleted long ago
      database.append_events(database.add_run(run), events_from(0, pid == 1 ? 2048 : 100'000));
    }
  });
  Retention retention;
  retention.most_bytes = 3 << 20;
  while (database.retain(retention).more) {
  }
  EXPECT_LE(database.size(), retention.most_bytes);
}

TEST(StoreRetention, CountsRowsToo) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  database.batch([&] {
    const model::SessionId session = database.add_session({});
    const auto add = [&](std::uint32_t uid, std::uint32_t pid, std::size_t events) {
      model::Run run = run_of(session, uid, pid);
      run.state = model::RunState::kEnded;
      run.ended = pid;
      run.recorded = events;
      run.executable = std::string(479, 'x');
      database.append_events(database.add_run(run), events_from(0, events));
    };
    for (std::uint32_t pid = 1; pid <= 10; ++pid) add(1, pid, 100);
    for (std::uint32_t pid = 11; pid <= 1500; ++pid) add(2, pid, 0);
  });
  Retention retention;
  retention.most_bytes = 600'000;
  ASSERT_GT(database.size(), retention.most_bytes);
  while (database.retain(retention).more) {
  }
  EXPECT_EQ(shell(folder / "a.db", "SELECT count(*) FROM run WHERE uid = 1"), "10");
}

TEST(StoreTickets, TellsWhichAreStored) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  const model::RunId id = add_any_run(database);
  database.batch([&] {
    database.append_events(id, events_from(0, 3000));
    database.append_events(id, events_from(5000, 2));
    database.append_events(id, events_from(4000, 1));  // committed late
  });
  EXPECT_EQ(database.tickets_since(id, 2998),
            (std::vector<std::uint64_t>{2998, 2999, 4000, 5000, 5001}));
  EXPECT_EQ(database.tickets_since(id, 0).size(), 3003U);
  EXPECT_TRUE(database.tickets_since(id, 6000).empty());
}

TEST(StoreVersion1, IsReadAsItIsAndMigratedWhenItIsWritten) {
  const Folder folder;
  const std::string path = folder / "old.db";
  {
    Database database = Database::open(path);
    add_any_run(database);
  }
  // As version 1 made it: without what came later.
  for (const char* column : {"uid", "identity", "boot", "start_ticks", "unit", "container",
                             "slurm_job", "label", "placed_before"}) {
    shell(path, "DROP INDEX IF EXISTS run_of_identity; DROP VIEW IF EXISTS runs_readable");
    ASSERT_EQ(shell(path, std::string("ALTER TABLE run DROP COLUMN ") + column), "") << column;
  }
  shell(path,
        "DROP INDEX run_living; ALTER TABLE segment DROP COLUMN last_ticket;"
        "ALTER TABLE segment DROP COLUMN encoding");
  shell(path, "CREATE VIEW runs_readable AS SELECT 1; PRAGMA user_version = 1");
  EXPECT_FALSE(Database::open_readonly(path).run(1)->uid);
  EXPECT_EQ(shell(path, "PRAGMA user_version"), "1");
  Database database = Database::open(path);
  EXPECT_EQ(shell(path, "PRAGMA user_version"), std::to_string(kSchemaVersion));
  EXPECT_EQ(database.run(1)->label, "");
  database.batch([&] { database.append_events(1, events_from(0, 5)); });
  EXPECT_EQ(database.tickets_since(1, 0).size(), 5U);
}

}  // namespace
}  // namespace jitcorral::store
