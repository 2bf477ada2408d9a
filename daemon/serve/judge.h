// Analyses runs that have ended, on a thread of its own and last of all: rings do not wait for it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "model/run.h"

namespace jitcorral::serve {

class Judge {
 public:
  struct Judged {
    model::Run run;  // with its verdict
  };
  // `database`: its path. `done`: called on the thread when there is something to take.
  Judge(std::string database, std::function<void()> done);
  ~Judge();
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;

  // A run that has ended and is stored. Of very many at once the later ones stay without a verdict.
  void ask(const model::Run& run);
  // What is ready.
  std::vector<Judged> take();

 private:
  void work();
  std::string verdict_of(model::RunId run) const;

  std::string database_;
  std::function<void()> done_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::deque<model::Run> asked_;
  std::vector<Judged> judged_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace jitcorral::serve
