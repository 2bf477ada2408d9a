// Where an earlier daemon was stopped or killed: its rings come back from the keeper, its books
// from the database, and the database wins.
#include "collect/fill_in.h"
#include "serve/recorder.h"

namespace jitcorral::serve {

void Recorder::begin() {
  open_database();
  std::map<std::uint64_t, model::Run> known;
  if (database_)
    for (model::Run& run : database_->living_runs())
      if (run.identity != 0) known[run.identity] = std::move(run);
  std::size_t restored = 0;
  for (Kept& kept : keeper_->restore()) {
    if (!parse_name(kept.name)) continue;
    resume(std::move(kept), known);
    ++restored;
  }
  if (restored != 0)
    voice_.say("took up " + std::to_string(restored) + " rings from " + keeper_->what());
  if (database_) close_the_lost(known);
  acknowledge();
}

void Recorder::resume(Kept kept, const std::map<std::uint64_t, model::Run>& known) {
  const Named named = *parse_name(kept.name);
  if (kept.descriptors.empty() || living_.contains(named.identity)) return;
  auto followed = std::make_shared<Followed>();
  followed->identity = named.identity;
  followed->pid = named.pid;
  followed->uid = named.uid;
  followed->user = &user(named.uid);
  ++followed->user->rings;
  followed->kept = followed->safe = true;
  if (kept.descriptors.size() > 1) followed->pidfd = std::move(kept.descriptors[1]);
  living_[named.identity] = followed;
  by_pid_[named.pid] = named.identity;
  changed_.insert(named.identity);
  const auto row = known.find(named.identity);
  if (row != known.end()) followed->run = row->second;
  try {
    followed->ring.emplace(kept.descriptors[0], true);
    if (row == known.end()) {
      // Killed before the first row was written; what it said of itself is in the ring.
      if (const auto hello = followed->ring->hello()) collect::fill_in(followed->run, *hello);
      followed->run.pid = static_cast<std::uint32_t>(named.pid);
      followed->run.uid = named.uid;
      followed->run.identity = named.identity;
      followed->run.boot = boot_;
      followed->run.start_ticks = named.start_ticks;
    }
    take_up_books(*followed);
    followed->ring->acknowledge();
    followed->awake = true;
    followed->interval = std::chrono::milliseconds(50);
    schedule(*followed, Clock::now());
  } catch (const std::exception& problem) {
    followed->run.reason = problem.what();
  }
  followed->next_sample = Clock::now() + followed->sample_interval;
  if (followed->pidfd) watch_.add(followed->pidfd.get(), followed->identity);
}

// What is stored of it is not stored again, and what it mapped then still explains what is found.
void Recorder::take_up_books(Followed& followed) {
  model::Run& run = followed.run;
  followed.stored = run.recorded;
  followed.ring->resume(run.recorded, run.torn);
  if (run.id == 0 || !database_) return;
  if (const auto oldest = followed.ring->oldest())
    followed.ring->release_stored(database_->tickets_since(run.id, *oldest));
  if (const auto record = database_->record(run.id)) {
    followed.explain(record->events);
    for (const model::Site& site : record->sites) followed.known_sites.insert(site.id);
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
