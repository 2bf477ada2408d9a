// Answers readers: each gets a copy of the runs that are his. A thread of its own, since a large
// copy takes long, and rings do not wait.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "collect/ring_reader.h"

namespace jitcorral::serve {

class Answers {
 public:
  // `listening`: a SOCK_SEQPACKET socket. `database`: its path. `refresh`: returns when what lies in
  // rings now is in the database, or can't be brought there soon; called in the thread.
  Answers(collect::Descriptor listening, std::string database, std::function<void()> refresh);
  ~Answers();
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;

  // Listens at `path`, replacing what a dead daemon left. Throws std::runtime_error.
  static collect::Descriptor listen_at(const std::string& path, bool for_everyone);

 private:
  void work();
  void answer(int connection);

  collect::Descriptor listening_;
  collect::Descriptor over_;  // an eventfd
  std::string database_;
  std::function<void()> refresh_;
  std::thread thread_;
};

}  // namespace jitcorral::serve
