// Where a database is made, and what is refused and left as it was.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "store_scratch.h"

namespace jitcorral::store {
namespace {

namespace fs = std::filesystem;

TEST(StoreOpening, MakesTheFileAndItsFoldersForTheOwnerAlone) {
  const Folder folder;
  const mode_t before = umask(0);
  const std::string path = folder / "a/b/c.db";
  {
    Database database = Database::open(path);
    add_any_run(database);
    EXPECT_EQ(database.path(), path);
    for (const char* suffix : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(path + suffix), 0600);
    const Database reader = Database::open_readonly(path);
    for (const char* suffix : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(path + suffix), 0600);
  }
  {
    // A reader that is alone makes them anew.
    const Database reader = Database::open_readonly(path);
    EXPECT_EQ(reader.sessions().size(), 1U);
    for (const auto& [name, bytes] : folder.contents())
      if (fs::is_regular_file(name)) {
        EXPECT_EQ(mode_of(name), 0600) << name;
      }
  }
  umask(before);
  EXPECT_EQ(mode_of(folder / "a"), 0700);
  EXPECT_EQ(mode_of(folder / "a/b"), 0700);
}

TEST(StoreOpening, KeepsWhatIsInAnExistingDatabase) {
  const Folder folder;
  const std::string path = folder / "a.db";
  for (std::size_t n = 0; n < 3; ++n) {
    Database database = Database::open(path);
    EXPECT_EQ(database.sessions().size(), n);
    add_any_run(database);
  }
  EXPECT_EQ(shell(path, "PRAGMA journal_mode"), "wal");
  EXPECT_EQ(shell(path, "PRAGMA user_version"), std::to_string(kSchemaVersion));
  EXPECT_EQ(shell(path, "PRAGMA application_id"), std::to_string(kApplicationId));
}

TEST(StoreOpening, TakesAnEmptyFileAsNewAndMakesItPrivate) {
  const Folder folder;
  const std::string path = folder / "empty.db";
  write_bytes(path, "");
  chmod(path.c_str(), 0644);
  Database database = Database::open(path);
  add_any_run(database);
  EXPECT_EQ(mode_of(path), 0600);
  EXPECT_EQ(mode_of(path + "-wal"), 0600);
}

TEST(StoreOpening, FollowsALinkToADatabase) {
  const Folder folder;
  { Database::open(folder / "real.db"); }
  symlink("real.db", (folder / "link.db").c_str());
  {
    Database database = Database::open(folder / "link.db");
    add_any_run(database);
  }
  EXPECT_EQ(Database::open_readonly(folder / "link.db").sessions().size(), 1U);
  EXPECT_EQ(Database::open_readonly(folder / "real.db").sessions().size(), 1U);
}

TEST(StoreOpening, TakesNamesThatSqliteWouldReadOtherwise) {
  const Folder folder;
  const fs::path here = fs::current_path();
  fs::current_path(folder.path());
  for (const char* name : {":memory:", "file:x?mode=memory", "100%41?#.db", "a b.db"}) {
    {
      Database database = Database::open(name);
      add_any_run(database);
    }
    EXPECT_EQ(mode_of(folder / name), 0600) << name;
    EXPECT_EQ(Database::open_readonly(name).sessions().size(), 1U) << name;
  }
  fs::current_path(here);
}

// Both ways of opening refuse, saying `words`, and change nothing in the folder.
void expect_refused(const Folder& folder, const std::string& path, const std::string& words,
                    const std::string& readonly_words) {
  const auto before = folder.contents();
  EXPECT_TRUE(is_about(refusal([&] { Database::open(path); }), path, words));
  EXPECT_TRUE(is_about(refusal([&] { Database::open_readonly(path); }), path, readonly_words));
  EXPECT_EQ(folder.contents(), before);
}
void expect_refused(const Folder& folder, const std::string& path, const std::string& words) {
  expect_refused(folder, path, words, words);
}

TEST(StoreOpening, RefusesWhatIsNoSqliteDatabase) {
  const Folder folder;
  write_bytes(folder / "notes.txt", "shopping: milk\n");
  expect_refused(folder, folder / "notes.txt", "is not a SQLite database");
  write_bytes(folder / "long.bin", std::string(100000, '\x7f'));
  expect_refused(folder, folder / "long.bin", "is not a SQLite database");
  write_bytes(folder / "one", "x");
  expect_refused(folder, folder / "one", "is not a SQLite database");
}

TEST(StoreOpening, RefusesADatabaseOfAnotherProgram) {
  const Folder folder;
  ASSERT_EQ(shell(folder / "plain.db", "CREATE TABLE t(x); INSERT INTO t VALUES(1)"), "");
  expect_refused(folder, folder / "plain.db", "of another program");
  ASSERT_EQ(shell(folder / "other.db", "PRAGMA application_id=77; CREATE TABLE t(x)"), "");
  expect_refused(folder, folder / "other.db", "of another program");
}

TEST(StoreOpening, LeavesTheUnfinishedJournalOfAnotherProgramAlone) {
  const Folder folder;
  const std::string path = folder / "theirs.db";
  const pid_t child = start(
      [&] { shell(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(1)"); });
  ASSERT_EQ(wait_for(child), 0);
  const std::string wal(5000, 'w');  // SQLite, let at it, would recover and delete it
  write_bytes(path + "-wal", wal);
  expect_refused(folder, path, "of another program");
}

TEST(StoreOpening, RefusesANewerVersion) {
  const Folder folder;
  const std::string path = folder / "newer.db";
  { Database::open(path); }
  ASSERT_EQ(shell(path, "PRAGMA user_version = 4"), "");
  expect_refused(folder, path,
                 "was written by a newer jitcorral (schema 4, this one knows up to 3)");
}

TEST(StoreOpening, RefusesANewerVersionThatStandsInTheLogOnly) {
  const Folder folder;
  const std::string path = folder / "newer.db";
  Database holder = Database::open(path);  // keeps the log from being written back
  shell(path, "PRAGMA user_version = 4");
  const std::string before = bytes_of(path);
  EXPECT_TRUE(is_about(refusal([&] { Database::open(path); }), path, "newer jitcorral (schema 4"));
  EXPECT_TRUE(is_about(refusal([&] { Database::open_readonly(path); }), path, "(schema 4"));
  EXPECT_EQ(bytes_of(path), before);
}

TEST(StoreOpening, RefusesFoldersAndWhatIsNoFile) {
  const Folder folder;
  mkdir((folder / "dir.db").c_str(), 0700);
  expect_refused(folder, folder / "dir.db", "is a folder");
  symlink("dir.db", (folder / "to_dir").c_str());
  expect_refused(folder, folder / "to_dir", "is a folder");
  mkfifo((folder / "fifo").c_str(), 0600);
  expect_refused(folder, folder / "fifo", "is not a regular file");
  EXPECT_TRUE(
      is_about(refusal([] { Database::open("/dev/null"); }), "/dev/null", "is not a regular file"));
  write_bytes(folder / "file", "x");
  expect_refused(folder, folder / "file/a.db", "cannot be reached (Not a directory)");
  EXPECT_NE(refusal([] { Database::open(""); }), "");
  EXPECT_NE(refusal([] { Database::open_readonly(""); }), "");
  EXPECT_NE(refusal([] { Database::open(std::string("a\0b", 3)); }), "");
}

TEST(StoreOpening, RefusesALinkToNothingAndMakesNoTarget) {
  const Folder folder;
  symlink((folder / "target.db").c_str(), (folder / "link.db").c_str());
  expect_refused(folder, folder / "link.db", "is a symbolic link to a file that is missing");
  EXPECT_EQ(mode_of(folder / "target.db"), -1);
  symlink("loop", (folder / "loop").c_str());
  const std::string line = refusal([&] { Database::open(folder / "loop"); });
  EXPECT_TRUE(is_about(line, folder / "loop", "cannot be reached"));
}

TEST(StoreOpening, SaysAPathWithLineBreaksInOneLine) {
  const Folder folder;
  mkdir((folder / "two\nlines").c_str(), 0700);
  EXPECT_TRUE(is_about(refusal([&] { Database::open(folder / "two\nlines"); }),
                       folder / "two?lines", "is a folder"));
}

TEST(StoreOpening, RefusesWhatItMayNotWrite) {
  const Folder folder;
  chmod(folder.path().c_str(), 0755);
  const auto open = [](const std::string& path) {
    return as_nobody([path] { return refusal([&] { Database::open(path); }); });
  };
  const std::string new_one = folder / "new.db";
  const std::string old_one = folder / "old.db";
  const std::string deep = folder / "deep/new.db";
  { Database::open(old_one); }
  if (geteuid() != 0) chmod(folder.path().c_str(), 0500);
  const auto before = folder.contents();
  EXPECT_TRUE(is_about(open(new_one), new_one, "cannot be made (Permission denied)"));
  EXPECT_TRUE(is_about(open(deep), deep, "cannot be made (Permission denied)"));
  chmod(old_one.c_str(), 0444);
  EXPECT_TRUE(is_about(open(old_one), old_one, "cannot be written"));
  chmod(old_one.c_str(), 0000);
  EXPECT_TRUE(is_about(open(old_one), old_one, "cannot be opened or written"));
  chmod(old_one.c_str(), 0666);  // the file, but not -wal beside it
  EXPECT_TRUE(is_about(open(old_one), old_one, "cannot be opened or written"));
  EXPECT_EQ(folder.contents(), before);
  chmod(folder.path().c_str(), 0700);
}

TEST(StoreOpening, RefusesAReadOnlyFileSystem) {
  Folder folder;
  if (!folder.mount(1 << 20)) GTEST_SKIP() << "mounting is not allowed here";
  { Database::open(folder / "a.db"); }
  if (!folder.make_readonly()) GTEST_SKIP() << "remounting is not allowed here";
  const std::string old_one = folder / "a.db";
  EXPECT_TRUE(is_about(refusal([&] { Database::open(old_one); }), old_one, "cannot be written"));
  const std::string new_one = folder / "b.db";
  EXPECT_TRUE(is_about(refusal([&] { Database::open(new_one); }), new_one, "(Read-only file"));
  const std::string deep = folder / "x/b.db";
  EXPECT_TRUE(is_about(refusal([&] { Database::open(deep); }), deep, "(Read-only file"));
}

}  // namespace
}  // namespace jitcorral::store
