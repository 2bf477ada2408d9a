// When the command has ended and some of its descendants have not: what another process needs to
// follow them to their ends.
#include <algorithm>
#include <utility>

#include "collect/collector.h"

namespace jitcorral::collect {

bool Collector::follows() const {
  // Until its end is stored; a database that can't be written is not waited for without end.
  constexpr Clock::duration kPatience = std::chrono::seconds(10);
  const Clock::time_point now = Clock::now();
  const bool some = std::any_of(followed_.begin(), followed_.end(), [&](const Process* process) {
    return !process->ended || (goes_on_ && now - process->ended_at < kPatience);
  });
  if (some) return true;
  // Forks of what was followed, which have done nothing of their own yet.
  return std::any_of(silent_.begin(), silent_.end(), [](const auto& entry) {
    return entry.second.listed == nullptr && proc::state(entry.first) == proc::State::kAlive;
  });
}

std::vector<model::RunId> Collector::open_runs() const {
  std::vector<model::RunId> runs;
  for (const Process* process : followed_)
    if (!process->ended && process->run.id != 0) runs.push_back(process->run.id);
  return runs;
}

std::vector<int> Collector::pidfds() const {
  std::vector<int> all;
  for (const Process* process : followed_)
    if (!process->ended && process->pidfd) all.push_back(process->pidfd.get());
  return all;
}

void Collector::close_database() {
  checkpointer_.reset();
  database_.reset();
}

void Collector::open_database(const std::string& path) {
  database_ = store::Database::open(path);
}

void Collector::go_on() {
  goes_on_ = true;
  command_ = 0;            // it may be somebody else's pid by now
  session_.ended.reset();  // its row is written
  begin_checkpoints();
}

std::vector<model::RunId> Collector::take_closed() {
  return std::exchange(closed_, {});
}

}  // namespace jitcorral::collect
