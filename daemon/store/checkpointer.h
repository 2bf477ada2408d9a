// Moves what was committed from the write-ahead log into the database, in a thread of its own: that
// waits for the disk, and a recorder that waits lets rings run over.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "store/database.h"

namespace jitcorral::store {

class Checkpointer {
 public:
  // `path`: of a database that is open for writing already. Its own writers need no automatic
  // checkpoints then (Database::leave_checkpoints).
  explicit Checkpointer(const std::string& path);
  // Waits for a checkpoint that is under way.
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

 private:
  void work(const std::string& path);

  std::mutex mutex_;
  std::condition_variable woken_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace jitcorral::store
