// Answers readers: each gets a copy of the runs that are his. A thread of its own, since a large
// copy takes long, and rings do not wait.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "collect/listener.h"
#include "serve/limits.h"

namespace jitcorral::serve {

class Answers {
 public:
  // `listening`: for its socket only. `database`: its path. `refresh`: returns when what lies
  // in rings now is in the database, or can't be brought there soon; called in the thread.
  Answers(std::unique_ptr<collect::Listener> listening, std::string database,
          std::function<void()> refresh);
  ~Answers();
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;

 private:
  void work();
  void answer(int connection);
  bool may_ask(uid_t uid, std::chrono::steady_clock::time_point now);

  std::unique_ptr<collect::Listener> listening_;
  collect::Descriptor over_;  // an eventfd
  std::string database_;
  std::function<void()> refresh_;
  std::map<uid_t, Budget> seconds_;  // of ours, for each who asks; the thread's own
  std::thread thread_;
};

}  // namespace jitcorral::serve
