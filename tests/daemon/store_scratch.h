// What the tests of the database share: folders, processes, and SQLite past the store's own code.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "store/database.h"

namespace jitcorral::store {

// A folder that goes, with all that is in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  // Mounts a disk of `bytes` over the folder; whether that was possible.
  bool mount(std::size_t bytes);
  bool make_readonly();
  // Every file in it, with the digest of its bytes.
  std::map<std::string, std::string> contents() const;

 private:
  std::string path_;
  bool mounted_ = false;
};

std::string digest_of(const std::string& bytes);
std::string bytes_of(const std::string& path);
void write_bytes(const std::string& path, const std::string& bytes);
// Permission bits; -1: no such file.
int mode_of(const std::string& path);

// The text of the Error that `act` throws; "" when it throws none.
std::string refusal(const std::function<void()>& act);
// Whether the line is one that a user can use: about `path`, one line, saying what `words` say.
::testing::AssertionResult is_about(const std::string& line, const std::string& path,
                                    const std::string& words);

// Runs `act` in a child that is not root, and gives back what it returns, or the Error's text.
std::string as_nobody(const std::function<std::string()>& act);
// Starts a child that does `act` and leaves; 0 when it threw nothing. Errors go to standard error.
pid_t start(const std::function<void()>& act);
int wait_for(pid_t child);

// Runs SQL by SQLite alone, as the sqlite3 shell would. Gives the first column of the first row.
std::string shell(const std::string& path, const std::string& sql);

Event event_at(std::uint64_t ticket);
std::vector<Event> events_from(std::uint64_t first, std::size_t count);
// Plausible ones that hardly become smaller.
std::vector<Event> noisy_events(std::uint64_t first, std::size_t count);
// Adds a session with one run.
model::RunId add_any_run(Database& database);

}  // namespace jitcorral::store
