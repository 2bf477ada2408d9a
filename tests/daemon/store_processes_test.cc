// Many processes on one database, and processes that are killed.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "store_scratch.h"

namespace jitcorral::store {
namespace {

struct Pipe {
  int ends[2];
  Pipe() {
    if (pipe(ends) != 0) std::abort();
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  void close_end(int i) {
    if (ends[i] >= 0) close(ends[i]);
    ends[i] = -1;
  }
  // False: the other end is gone.
  bool get(std::uint64_t& value) { return read(ends[0], &value, sizeof value) == sizeof value; }
  void put(std::uint64_t value) {
    if (write(ends[1], &value, sizeof value) != sizeof value) std::abort();
  }
};

// All at once: each child opens the database when the parent closes the gate.
void expect_all_recorded(int processes, int batches, bool fresh) {
  const Folder folder;
  const std::string path = folder / "all.db";
  if (!fresh) Database::open(path);
  Pipe gate;
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i)
    children.push_back(start([&] {
      gate.close_end(1);
      std::uint64_t nothing;
      gate.get(nothing);
      Database database = Database::open(path);
      const model::RunId run = add_any_run(database);
      for (int b = 0; b < batches; ++b)
        database.batch([&] {
          database.append_events(run, events_from(static_cast<std::uint64_t>(b) * 10, 10));
        });
    }));
  gate.close_end(1);
  int failed = 0;
  for (const pid_t child : children) failed += wait_for(child) != 0;
  EXPECT_EQ(failed, 0);
  const Database database = Database::open_readonly(path);
  const auto sessions = database.sessions();
  ASSERT_EQ(sessions.size(), static_cast<std::size_t>(processes));
  for (const model::Session& session : sessions) {
    const auto runs = database.runs(session.id);
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(database.record(runs[0].id)->events.size(), static_cast<std::size_t>(batches) * 10);
  }
  EXPECT_EQ(shell(path, "PRAGMA integrity_check"), "ok");
}

TEST(StoreProcesses, FortyAtOnceMakeOneDatabase) {
  for (int round = 0; round < 5; ++round) expect_all_recorded(40, 5, true);
}

// ThreadSanitizer follows threads, not processes; of so many that are all slower, some wait for
// more than 5 s.
#ifdef __SANITIZE_THREAD__
constexpr int kTwoHundred = 60;
#else
constexpr int kTwoHundred = 200;
#endif

TEST(StoreProcesses, TwoHundredAtOnceRecordIntoIt) {
  expect_all_recorded(kTwoHundred, 10, false);
}

TEST(StoreProcesses, TwoHundredAtOnceMakeOneDatabase) {
  expect_all_recorded(kTwoHundred, 1, true);
}

// Batches of 1 to some thousand events, each with the new count in its run.
void record_for_ever(const std::string& path, model::RunId id, Pipe& told) {
  Database database = Database::open(path);
  model::Run run = database.run(id).value();
  for (std::size_t n = 1;; n = n * 3 % 4001) {
    database.batch([&] {
      database.append_events(id, events_from(run.recorded, n));
      database.append_events(id, events_from(run.recorded + n, 1));
      run.recorded += n + 1;
      database.update_run(run);
    });
    told.put(run.recorded);
  }
}

TEST(StoreProcesses, AKilledWriterLosesNothingThatItCommitted) {
  const Folder folder;
  const std::string path = folder / "killed.db";
  Database::open(path);
  for (std::uint64_t round = 0; round < 25; ++round) {
    model::RunId id = 0;
    {
      Database database = Database::open(path);
      id = add_any_run(database);
    }
    Pipe told;
    const pid_t writer = start([&] { record_for_ever(path, id, told); });
    told.close_end(1);
    std::uint64_t committed = 0;
    for (std::uint64_t i = 0; i <= round * 2; ++i) ASSERT_TRUE(told.get(committed));
    kill(writer, SIGKILL);
    EXPECT_EQ(wait_for(writer), 128 + SIGKILL);
    while (told.get(committed)) {
    }
    // Both kinds of reader recover: at even rounds nobody has written since.
    const Database database = round % 2 == 0 ? Database::open_readonly(path) : Database::open(path);
    const model::Record record = database.record(id).value();
    EXPECT_GE(record.run.recorded, committed);
    ASSERT_EQ(record.events.size(), record.run.recorded) << "half a batch";
    for (std::uint64_t n = 0; n < record.events.size(); ++n) ASSERT_EQ(record.events[n].ticket, n);
    EXPECT_EQ(record.run.torn, 0U);
  }
  EXPECT_EQ(shell(path, "PRAGMA integrity_check"), "ok");
}

TEST(StoreProcesses, AWriterKilledInTheMiddleOfABatchLeavesNothingOfIt) {
  const Folder folder;
  const std::string path = folder / "killed.db";
  Pipe inside;
  const model::RunId id = 1;
  const pid_t writer = start([&] {
    Database its_own = Database::open(path);
    add_any_run(its_own);
    its_own.batch([&] { its_own.append_events(id, events_from(0, 10)); });
    its_own.batch([&] {
      // More than SQLite's page cache holds, so that some of it stands in the WAL already.
      for (std::uint64_t n = 0; n < 60; ++n)
        its_own.append_events(id, events_from(10 + n * 1024, 1024));
      inside.put(1);
      pause();
    });
  });
  std::uint64_t nothing;
  ASSERT_TRUE(inside.get(nothing));
  kill(writer, SIGKILL);
  wait_for(writer);
  Database database = Database::open(path);
  EXPECT_EQ(database.record(id)->events.size(), 10U);
  database.batch([&] { database.append_events(id, events_from(10, 5)); });
  EXPECT_EQ(Database::open_readonly(path).record(id)->events.size(), 15U);
}

TEST(StoreProcesses, AMakerKilledAtAnyMomentLeavesWhatTheNextOneFinishes) {
  for (int round = 0; round < 30; ++round) {
    const Folder folder;
    const std::string path = folder / "new.db";
    Pipe begun;
    const pid_t maker = start([&] {
      begun.put(1);
      Database::open(path);
      pause();
    });
    std::uint64_t nothing;
    ASSERT_TRUE(begun.get(nothing));
    for (int spin = 0; spin < round * 20; ++spin)
      access(path.c_str(), F_OK);  // some later each time
    kill(maker, SIGKILL);
    wait_for(maker);
    Database database = Database::open(path);
    add_any_run(database);
    EXPECT_EQ(database.sessions().size(), 1U);
  }
}

TEST(StoreProcesses, AReaderSeesCommitsWhileAnotherProcessWrites) {
  const Folder folder;
  const std::string path = folder / "live.db";
  Database::open(path);
  Pipe told;
  Pipe go_on;
  model::RunId id = 0;
  {
    Database database = Database::open(path);
    id = add_any_run(database);
  }
  const pid_t writer = start([&] {
    Database database = Database::open(path);
    for (std::uint64_t n = 0; n < 20; ++n) {
      database.batch([&] { database.append_events(id, events_from(n * 10, 10)); });
      told.put(n);
      std::uint64_t nothing;
      go_on.get(nothing);
    }
  });
  const Database reader = Database::open_readonly(path);
  for (std::uint64_t n = 0; n < 20; ++n) {
    std::uint64_t batch;
    ASSERT_TRUE(told.get(batch));
    EXPECT_EQ(reader.record(id)->events.size(), (n + 1) * 10);
    EXPECT_EQ(Database::open_readonly(path).record(id)->events.size(), (n + 1) * 10);
    go_on.put(1);
  }
  EXPECT_EQ(wait_for(writer), 0);
}

TEST(StoreProcesses, ADatabaseThatIsHeldIsWaitedForAndThenNamed) {
  const Folder folder;
  const std::string path = folder / "held.db";
  const std::string half_made = folder / "half_made.db";
  const auto begun = std::chrono::steady_clock::now();
  const auto waited = [&] { return std::chrono::steady_clock::now() - begun; };
  // Meanwhile: one that is ours, but not yet in WAL mode, whose maker holds it. Two processes, so
  // that neither inherits what SQLite knows of the other's locks.
  Pipe held_now, release;
  const pid_t holder = start([&] {
    release.close_end(1);
    sqlite3* handle = nullptr;
    sqlite3_open(half_made.c_str(), &handle);
    const std::string sign = "PRAGMA application_id = " + std::to_string(kApplicationId);
    sqlite3_exec(handle, (sign + "; BEGIN IMMEDIATE").c_str(), nullptr, nullptr, nullptr);
    held_now.put(1);
    std::uint64_t nothing;
    release.get(nothing);
  });
  std::uint64_t nothing;
  ASSERT_TRUE(held_now.get(nothing));
  const pid_t waiter = start([&] {
    const auto answer = is_about(refusal([&] { Database::open(half_made); }), half_made,
                                 "another process has held it for 5 s");
    if (!answer) throw Error(answer.message());
    if (waited() < std::chrono::seconds(5)) throw Error("did not wait");
  });

  Database database = Database::open(path);
  Database other = Database::open(path);
  std::string line;
  database.batch([&] { line = refusal([&] { other.batch([] {}); }); });
  EXPECT_TRUE(is_about(line, path, "another process has held it for 5 s"));
  EXPECT_GE(waited(), std::chrono::seconds(5));
  other.batch([&] { other.add_session({}); });
  EXPECT_EQ(database.sessions().size(), 1U);

  EXPECT_EQ(wait_for(waiter), 0);
  release.close_end(1);
  EXPECT_EQ(wait_for(holder), 0);
  Database finished = Database::open(half_made);
  EXPECT_TRUE(finished.sessions().empty());
}

// POSIX drops a process's locks on a file when it closes any descriptor of it: a second Database of
// the same process must not take the first one's away (its WAL would be deleted under it).
TEST(StoreProcesses, OpeningAndRefusingAgainKeepsTheLocksOfTheFirst) {
  const Folder folder;
  const std::string path = folder / "locks.db";
  Pipe go_on;
  // Started before, since a child inherits what SQLite knows of its parent's locks.
  const pid_t other = start([&] {
    go_on.close_end(1);
    std::uint64_t nothing;
    go_on.get(nothing);
    Database::open(path);  // would be the last one, and clean up
  });
  Database first = Database::open(path);
  const model::RunId id = add_any_run(first);
  { Database second = Database::open(path); }
  { Database third = Database::open_readonly(path); }
  go_on.close_end(1);
  EXPECT_EQ(wait_for(other), 0);
  EXPECT_EQ(access((path + "-wal").c_str(), F_OK), 0);
  first.batch([&] { first.append_events(id, events_from(0, 7)); });
  EXPECT_EQ(Database::open_readonly(path).record(id)->events.size(), 7U);
}

}  // namespace
}  // namespace jitcorral::store
