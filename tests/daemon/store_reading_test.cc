// Reading a database where nothing can be written.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "store_scratch.h"

namespace jitcorral::store {
namespace {

// A database with one run of ten events; closed, so nothing stands beside it.
model::RunId make_record(const std::string& path) {
  Database database = Database::open(path);
  const model::RunId run = add_any_run(database);
  database.batch([&] { database.append_events(run, events_from(0, 10)); });
  return run;
}

std::string count_events(const std::string& path, model::RunId run) {
  return std::to_string(Database::open_readonly(path).record(run)->events.size());
}

TEST(StoreReading, MakesNothingWhereThereIsNothing) {
  const Folder folder;
  const std::string path = folder / "none.db";
  EXPECT_TRUE(is_about(refusal([&] { Database::open_readonly(path); }), path, "no such database"));
  const std::string deep = folder / "no/such.db";
  EXPECT_TRUE(is_about(refusal([&] { Database::open_readonly(deep); }), deep, "no such database"));
  write_bytes(path, "");
  EXPECT_TRUE(is_about(refusal([&] { Database::open_readonly(path); }), path, "is empty"));
  EXPECT_EQ(folder.contents(), (std::map<std::string, std::string>{{path, digest_of("")}}));
}

TEST(StoreReading, WritesNothing) {
  const Folder folder;
  const std::string path = folder / "a.db";
  const model::RunId run = make_record(path);
  const std::string before = bytes_of(path);
  {
    Database database = Database::open_readonly(path);
    EXPECT_TRUE(is_about(refusal([&] { database.batch([&] { database.add_session({}); }); }), path,
                         "cannot be opened or written"));
    EXPECT_EQ(database.record(run)->events.size(), 10U);
  }
  EXPECT_EQ(bytes_of(path), before);
}

TEST(StoreReading, WorksInAFolderThatCannotBeWritten) {
  const Folder folder;
  const std::string path = folder / "odd?name#1%41.db";
  const model::RunId run = make_record(path);
  chmod(path.c_str(), 0444);
  chmod(folder.path().c_str(), 0555);
  const auto before = folder.contents();
  EXPECT_EQ(as_nobody([&] { return count_events(path, run); }), "10");
  EXPECT_EQ(folder.contents(), before);
  chmod(folder.path().c_str(), 0700);
}

TEST(StoreReading, WorksOnAReadOnlyFileSystem) {
  Folder folder;
  if (!folder.mount(4 << 20)) GTEST_SKIP() << "mounting is not allowed here";
  const std::string path = folder / "a.db";
  const model::RunId run = make_record(path);
  if (!folder.make_readonly()) GTEST_SKIP() << "remounting is not allowed here";
  EXPECT_EQ(count_events(path, run), "10");
}

// What a recorder that was killed leaves: events that stand in the log alone.
model::RunId make_killed_record(const std::string& path) {
  model::RunId run = 0;
  {
    Database database = Database::open(path);
    run = add_any_run(database);
  }
  const pid_t child = start([&] {
    Database database = Database::open(path);
    database.batch([&] { database.append_events(run, events_from(0, 12)); });
    kill(getpid(), SIGKILL);
  });
  EXPECT_EQ(wait_for(child), 128 + SIGKILL);
  return run;
}

TEST(StoreReading, SeesTheLogOfAKilledWriterWhereNothingCanBeWritten) {
  for (const bool index_too : {true, false}) {
    const Folder folder, elsewhere;
    const std::string path = folder / "killed.db";
    const model::RunId run = make_killed_record(path);
    ASSERT_GT(bytes_of(path + "-wal").size(), 0U);
    if (!index_too) unlink((path + "-shm").c_str());
    chmod(elsewhere.path().c_str(), 0755);
    symlink(path.c_str(), (elsewhere / "link.db").c_str());
    for (const auto& [name, bytes] : folder.contents()) chmod(name.c_str(), 0444);
    chmod(folder.path().c_str(), 0555);
    const auto before = folder.contents();
    EXPECT_EQ(as_nobody([&] { return count_events(path, run); }), "12");
    EXPECT_EQ(as_nobody([&] { return count_events(elsewhere / "link.db", run); }), "12");
    EXPECT_EQ(folder.contents(), before);
    chmod(folder.path().c_str(), 0700);
  }
}

TEST(StoreReading, RefusesWhatItMayNotRead) {
  const Folder folder;
  const std::string path = folder / "private.db";
  make_record(path);
  chmod(folder.path().c_str(), 0755);
  if (geteuid() != 0) chmod(path.c_str(), 0000);
  const auto line = as_nobody([&] { return count_events(path, 1); });
  EXPECT_TRUE(is_about(line, path, "(Permission denied)"));
  chmod(folder.path().c_str(), 0000);
  if (geteuid() == 0) {
    EXPECT_TRUE(is_about(as_nobody([&] { return count_events(path, 1); }), path,
                         "cannot be reached (Permission denied)"));
  }
  chmod(folder.path().c_str(), 0700);
}

}  // namespace
}  // namespace jitcorral::store
