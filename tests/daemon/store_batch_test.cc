// A batch is done wholly or not at all; events make few rows.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <stdexcept>

#include "store_scratch.h"

namespace jitcorral::store {
namespace {

TEST(StoreBatch, IsRolledBackWhenItsWriterThrows) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  const model::RunId run = add_any_run(database);
  EXPECT_THROW(database.batch([&] {
    database.append_events(run, events_from(0, 2000));
    database.add_site(run, {});
    database.add_session({});
    throw std::runtime_error("stop");
  }),
               std::runtime_error);
  const model::Record record = database.record(run).value();
  EXPECT_TRUE(record.events.empty());
  EXPECT_TRUE(record.sites.empty());
  EXPECT_EQ(database.sessions().size(), 1U);
  database.batch([&] { database.append_events(run, events_from(0, 3)); });
  EXPECT_EQ(database.record(run)->events.size(), 3U);
}

TEST(StoreBatch, ThatFailedIsNotCommittedByAWriterThatGoesOn) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  const model::RunId run = add_any_run(database);
  const std::string line = refusal([&] {
    database.batch([&] {
      database.append_events(run, events_from(0, 1));
      EXPECT_THROW(database.add_site(run + 1, {}), Error);
      EXPECT_THROW(database.append_events(run, events_from(1, 1)), Error);
    });
  });
  EXPECT_TRUE(is_about(line, folder / "a.db", "nothing of it was written"));
  EXPECT_TRUE(database.record(run)->events.empty());
}

TEST(StoreBatch, IsNeededForEveryWriteAndHoldsNoOther) {
  const Folder folder;
  const std::string path = folder / "a.db";
  Database database = Database::open(path);
  EXPECT_TRUE(is_about(refusal([&] { database.add_session({}); }), path, "outside of a batch"));
  EXPECT_TRUE(is_about(refusal([&] { database.batch([&] { database.batch([] {}); }); }), path,
                       "a batch inside of a batch"));
  EXPECT_TRUE(database.sessions().empty());
  database.batch([&] { database.add_session({}); });
  EXPECT_EQ(database.sessions().size(), 1U);
}

TEST(StoreBatch, SeesItsOwnWrites) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  const model::RunId run = add_any_run(database);
  database.batch([&] {
    database.append_events(run, events_from(0, 5));
    EXPECT_EQ(database.record(run)->events.size(), 5U);
    EXPECT_TRUE(Database::open_readonly(folder / "a.db").record(run)->events.empty());
  });
}

TEST(StoreBatch, ManySmallAppendsMakeFewRowsOfAtMost64KiB) {
  const Folder folder;
  const std::string path = folder / "a.db";
  Database database = Database::open(path);
  const model::RunId run = add_any_run(database);
  std::uint64_t ticket = 0;
  for (int batch = 0; batch < 500; ++batch) {
    database.batch([&] {
      for (std::size_t size : {1U, 7U, 1U, 3U}) {
        database.append_events(run, events_from(ticket, size));
        ticket += size;
      }
    });
  }
  database.batch([&] { database.append_events(run, events_from(ticket, 5000)); });
  EXPECT_EQ(database.record(run)->events.size(), ticket + 5000);
  EXPECT_LE(std::stoi(shell(path, "SELECT count(*) FROM segment")), 40);
  EXPECT_LE(std::stoi(shell(path, "SELECT max(length(events)) FROM segment")), 65536);
  EXPECT_LE(std::stoi(shell(path, "SELECT max(count) FROM segment")), 1024);
  EXPECT_EQ(shell(path,
                  "SELECT count(*) FROM segment WHERE length(events) > 64 * count OR"
                  " (encoding = 0) <> (length(events) = 64 * count)"),
            "0");
}

TEST(StoreBatch, TwoRunsThatGrowInTurnsKeepTheirEventsApart) {
  const Folder folder;
  Database database = Database::open(folder / "a.db");
  const model::RunId runs[] = {add_any_run(database), add_any_run(database)};
  for (std::uint64_t ticket = 0; ticket < 300; ++ticket)
    database.batch([&] {
      database.append_events(runs[0], events_from(ticket, 1));
      database.append_events(runs[1], events_from(10000 + ticket, 1));
    });
  for (int i = 0; i < 2; ++i) {
    const model::Record record = database.record(runs[i]).value();
    ASSERT_EQ(record.events.size(), 300U);
    for (std::uint64_t n = 0; n < 300; ++n)
      ASSERT_EQ(record.events[n].ticket, (i == 0 ? 0 : 10000) + n);
  }
}

// Writes batches of `size` events until one is refused; gives back its line. All that came before
// it must be there, and nothing of it.
std::string write_until_refused(Database& database, model::RunId run, std::uint64_t& ticket) {
  for (int batch = 0; batch < 10000; ++batch) {
    const std::string line = refusal([&] {
      database.batch([&] {
        database.append_events(run, events_from(ticket, 700));
        database.append_events(run, events_from(ticket + 700, 300));
      });
    });
    if (!line.empty()) return line;
    ticket += 1000;
  }
  return "";
}

TEST(StoreBatch, OnAFullDiskIsRolledBackAndGoesOnWhenThereIsRoom) {
  Folder folder;
  if (!folder.mount(4 << 20)) GTEST_SKIP() << "mounting is not allowed here";
  const std::string path = folder / "a.db";
  const std::string filler = folder / "filler";
  write_bytes(filler, std::string(2 << 20, 'x'));
  Database database = Database::open(path);
  const model::RunId run = add_any_run(database);
  std::uint64_t ticket = 0;
  EXPECT_TRUE(is_about(write_until_refused(database, run, ticket), path, "no space is left"));
  EXPECT_GT(ticket, 0U);
  EXPECT_EQ(database.record(run)->events.size(), ticket);
  EXPECT_EQ(Database::open_readonly(path).record(run)->events.size(), ticket);

  write_bytes(filler, "");
  database.batch([&] { database.append_events(run, events_from(ticket, 1000)); });
  EXPECT_EQ(Database::open_readonly(path).record(run)->events.size(), ticket + 1000);
}

TEST(StoreBatch, WhenAFileMayNotGrowIsRolledBack) {
  const Folder folder;
  const std::string path = folder / "a.db";
  model::RunId run = 0;
  {
    Database database = Database::open(path);
    run = add_any_run(database);
  }
  const pid_t child = start([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    Database database = Database::open(path);
    std::uint64_t ticket = 0;
    const auto refused =
        is_about(write_until_refused(database, run, ticket), path, "no space is left");
    if (!refused) throw Error(refused.message());
    if (ticket == 0 || database.record(run)->events.size() != ticket) throw Error("half a batch");
  });
  EXPECT_EQ(wait_for(child), 0);
  const auto events = Database::open_readonly(path).record(run)->events;
  EXPECT_GT(events.size(), 0U);
  EXPECT_EQ(events.size() % 1000, 0U);
}

TEST(StoreBatch, OfAFullDiskFromTheBeginningNamesTheFile) {
  Folder folder;
  if (!folder.mount(64 << 10)) GTEST_SKIP() << "mounting is not allowed here";
  write_bytes(folder / "filler", std::string(64 << 10, 'x'));
  const std::string path = folder / "a.db";
  EXPECT_TRUE(is_about(refusal([&] { Database::open(path); }), path, "no space is left"));
}

}  // namespace
}  // namespace jitcorral::store
