// What a Recorder does, as metrics. Counts live with the loop; who scrapes asks it for a copy.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "metrics/server.h"
#include "serve/judge.h"
#include "serve/recorder.h"

namespace jitcorral::serve {

class Observed {
 public:
  // `wake`: an eventfd that wakes the loop.
  Observed(Recorder& recorder, int wake, const std::string& database);
  ~Observed();

  // At an inherited socket, or where options say ("off": nowhere). A failure is thrown.
  void serve(Descriptor inherited, const std::string& where);
  // From the loop: answers who asked, and takes over verdicts.
  void update();

 private:
  metrics::Snapshot snapshot_now();
  metrics::Snapshot ask();
  void count_end(const model::Run& run);

  Recorder& recorder_;
  int wake_;
  metrics::Groups ended_;
  double started_;
  std::mutex mutex_;
  std::condition_variable answered_;
  bool asked_ = false;
  metrics::Snapshot latest_;
  Judge judge_;
  std::unique_ptr<metrics::Server> server_;
};

}  // namespace jitcorral::serve
