// Rings from hand to hand: from their processes to us and to who keeps them.
#include "serve/recorder.h"

namespace jitcorral::serve {

bool Recorder::take_ring(Followed& followed, const Descriptor& ring) {
  try {
    followed.ring.emplace(ring, true);
  } catch (const std::exception& problem) {
    followed.run.reason = problem.what();
    changed_.insert(followed.identity);
    ++tally_.rings_refused;
    return false;
  }
  std::vector<int> descriptors = {ring.get()};
  if (followed.pidfd) descriptors.push_back(followed.pidfd.get());
  keeper_->keep(followed.name(), descriptors);
  followed.kept = true;
  unsafe_.push_back(followed.identity);
  followed.awake = true;
  followed.interval = kOften;
  return true;
}

void Recorder::acknowledge() {
  if (unsafe_.empty()) return;
  const bool safe = keeper_->settle();
  if (!safe && keeper_->revive()) {
    // We have no descriptors of theirs either.
    voice_.warn(
        "the process that kept rings has died; another one keeps those of new processes, others "
        "are left to their own offers if we die");
    for (const auto& [identity, followed] : living_) {
      followed->kept = followed->safe = false;
      if (followed->ring) followed->ring->revoke();
    }
  }
  for (const std::uint64_t identity : unsafe_) {
    const auto found = living_.find(identity);
    if (found == living_.end() || !found->second->ring) continue;
    found->second->safe = safe;
    if (safe) found->second->ring->acknowledge();
    found->second->ring->rest();  // until it is read
  }
  unsafe_.clear();
}

// The process believes that its reader has died, and offers a copy of its ring.
void Recorder::replace_ring(Followed& followed, const Descriptor& ring) {
  // What lies in the old one is stored first: the copy's slots of it are free then.
  followed.read_ring(true);
  changed_.insert(followed.identity);
  if (!store() || followed.run.id == 0) {
    followed.events.clear();
    followed.run.recorded = followed.stored;
  }
  followed.ring.reset();
  if (followed.kept) keeper_->forget(followed.name());  // or both would come back by one name
  followed.kept = false;
  if (!take_ring(followed, ring)) return;
  take_up_books(followed);
  schedule(followed, Clock::now());
}

}  // namespace jitcorral::serve
