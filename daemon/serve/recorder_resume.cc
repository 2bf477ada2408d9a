// Where an earlier daemon was stopped or killed: its rings come back from the keeper, its books
// from the database, and the database wins.
#include <fcntl.h>

#include <algorithm>

#include <unistd.h>

#include "collect/fill_in.h"
#include "serve/recorder.h"

namespace jitcorral::serve {
namespace {

// Rings are memfds, which have seals; a pidfd has none.
bool is_memory(const Descriptor& descriptor) {
  return fcntl(descriptor.get(), F_GET_SEALS) >= 0;
}

}  // namespace

void Recorder::begin() {
  kept_ = keeper_->restore();
  open_database();
  take_up();
}

// As soon as there is a database: without it nobody knows which of a ring's events are stored.
void Recorder::take_up() {
  if (!database_ || taken_up_) return;
  taken_up_ = true;
  std::map<std::uint64_t, model::Run> known;
  for (model::Run& run : database_->living_runs())
    if (run.identity != 0) known[run.identity] = std::move(run);
  std::size_t restored = 0;
  for (Kept& kept : kept_) {
    if (!parse_name(kept.name)) continue;
    resume(std::move(kept), known);
    ++restored;
  }
  kept_.clear();
  if (restored != 0)
    voice_.say("took up " + std::to_string(restored) + " rings from " + keeper_->what());
  close_the_lost(known);
  acknowledge();
}

void Recorder::resume(Kept kept, const std::map<std::uint64_t, model::Run>& known) {
  const Named named = *parse_name(kept.name);
  if (living_.contains(named.identity)) return;
  // A service manager hands them back in any order.
  const auto ring = std::find_if(kept.descriptors.begin(), kept.descriptors.end(), is_memory);
  if (ring == kept.descriptors.end()) {
    keeper_->forget(kept.name);
    return;
  }
  const auto row = known.find(named.identity);
  // Its end was the last thing that was stored.
  if (row == known.end() && database_->run_of_identity(named.identity)) {
    keeper_->forget(kept.name);
    return;
  }
  auto followed = std::make_shared<Followed>();
  followed->identity = named.identity;
  followed->pid = named.pid;
  followed->uid = named.uid;
  followed->is_trusted = named.uid == geteuid() || named.uid == 0;
  followed->user = &user(named.uid);
  ++followed->user->rings;
  followed->kept = followed->safe = true;
  for (Descriptor& other : kept.descriptors)
    if (!is_memory(other)) followed->pidfd = std::move(other);
  living_[named.identity] = followed;
  by_pid_[named.pid] = named.identity;
  changed_.insert(named.identity);
  if (row != known.end()) followed->run = row->second;
  try {
    followed->ring.emplace(*ring, true);
    // Killed before the first row was written; what it said of itself is in the ring.
    if (row == known.end())
      if (const auto hello = followed->ring->hello()) collect::fill_in(followed->run, *hello);
    take_up_books(*followed);
    followed->ring->acknowledge();
    followed->ring->rest();  // a machine's rings together are much
    followed->awake = true;
    followed->interval = std::chrono::milliseconds(50);
  } catch (const std::exception& problem) {
    followed->run.reason = problem.what();
  }
  if (row == known.end()) {
    followed->run.pid = static_cast<std::uint32_t>(named.pid);
    followed->run.uid = named.uid;
    followed->run.identity = named.identity;
    followed->run.boot = boot_;
    followed->run.start_ticks = named.start_ticks;
  }
  followed->next_sample = Clock::now() + followed->sample_interval;
  schedule(*followed, Clock::now());
  if (followed->pidfd) watch_.add(followed->pidfd.get(), followed->identity);
}

// What is stored of it is not stored again.
void Recorder::take_up_books(Followed& followed) {
  model::Run& run = followed.run;
  followed.stored = run.recorded;
  followed.ring->resume(run.recorded, run.torn);
  if (run.id == 0 || !database_) return;
  if (const auto oldest = followed.ring->oldest())
    followed.ring->release_stored(database_->tickets_since(run.id, *oldest));
  followed.to_explain = true;
}

// What it, and what it was forked from, mapped then still explains what is found. Only when it is
// asked for: of a long run there is much.
void Recorder::explain_stored(Followed& followed) {
  followed.to_explain = false;
  if (!database_) return;
  constexpr int kMostAncestors = 64;
  std::optional<model::RunId> id = followed.run.id;
  try {
    for (int i = 0; id && *id != 0 && i < kMostAncestors; ++i) {
      database_->each_segment(*id, [&](const auto& events) { followed.explain(events); });
      const auto run = database_->run(*id);
      id = run ? run->parent : std::nullopt;
    }
  } catch (const std::exception& problem) {
    failed(problem.what());
  }
}

// Runs that the database knows to be living and nobody kept a ring of: their processes ended while
// there was no daemon, or in another boot; or they go on, and will offer their rings anew.
void Recorder::close_the_lost(const std::map<std::uint64_t, model::Run>& known) {
  for (const auto& [identity, row] : known) {
    if (living_.contains(identity)) continue;
    auto followed = std::make_shared<Followed>();
    followed->identity = identity;
    followed->pid = static_cast<pid_t>(row.pid);
    followed->uid = row.uid.value_or(0);
    followed->is_trusted = followed->uid == geteuid() || followed->uid == 0;
    followed->user = &user(followed->uid);
    ++followed->user->rings;
    followed->run = row;
    followed->stored = row.recorded;
    const bool is_there = row.boot == boot_ && row.start_ticks != 0 &&
                          collect::proc::start_ticks(followed->pid) == row.start_ticks;
    living_[identity] = followed;
    changed_.insert(identity);
    if (is_there) {
      by_pid_[followed->pid] = identity;
      followed->pidfd = collect::pidfd_of(followed->pid);
      if (followed->pidfd) watch_.add(followed->pidfd.get(), identity);
      continue;
    }
    followed->close(model::RunState::kEnded, std::nullopt);
    followed->run.ended.reset();  // nobody saw when
  }
}

}  // namespace jitcorral::serve
