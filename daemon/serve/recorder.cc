#include "serve/recorder.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "collect/cgroup.h"
#include "collect/fill_in.h"

namespace jitcorral::serve {
namespace {

using std::chrono::milliseconds;

// A ring that wakes up is read a little later, with what comes after its first event.
constexpr milliseconds kGather(20);
// An awake ring is read as often as to find a full segment, within these bounds.
constexpr milliseconds kOften(50), kSeldom(1000);
constexpr std::uint64_t kAimedAt = 1024;
// Or when it is a quarter full, whatever the time.
constexpr std::uint64_t kQuarter = ring::kSlots / 4;
// Behind a filter nobody rings.
constexpr milliseconds kFiltered(500);
// A process without a pidfd is asked about as often.
constexpr milliseconds kAskAgain(1000);

// Whether the process is gone, also if there is no descriptor of it: then it was gone before we
// heard of it, or there was none left.
bool is_gone(const Followed& followed) {
  if (!followed.pidfd) {
    if (kill(followed.pid, 0) != 0 && errno == ESRCH) return true;
    const std::uint64_t ticks = collect::proc::start_ticks(followed.pid);
    if (followed.run.start_ticks != 0 && ticks != 0 && ticks != followed.run.start_ticks)
      return true;  // its pid is another's
  }
  return followed.has_ended();
}

}  // namespace

Recorder::Recorder(Options options, std::unique_ptr<Keeper> keeper, Voice voice, Watch watch)
    : options_(std::move(options)),
      keeper_(std::move(keeper)),
      voice_(std::move(voice)),
      watch_(std::move(watch)),
      boot_(collect::proc::boot_id()) {}

Recorder::~Recorder() = default;

User& Recorder::user(uid_t uid) {
  auto& found =
      users_.try_emplace(uid, static_cast<double>(options_.events_per_second)).first->second;
  found.events.set_rate(static_cast<double>(options_.events_per_second));
  return found;
}

Recorder::Shared Recorder::living(pid_t pid) const {
  const auto identity = by_pid_.find(pid);
  if (identity == by_pid_.end()) return nullptr;
  const auto found = living_.find(identity->second);
  return found == living_.end() || found->second->ended ? nullptr : found->second;
}

void Recorder::schedule(Followed& followed, Clock::time_point due) {
  if (followed.due != Clock::time_point::max()) queue_.erase({followed.due, followed.identity});
  followed.due = due;
  if (due != Clock::time_point::max()) queue_.emplace(due, followed.identity);
}

void Recorder::receive(collect::Listener& listener) {
  const std::uint64_t refused = listener.refused();
  // Who says hello without end must not keep us from the rings.
  constexpr int kMostAtOnce = 512;
  constexpr milliseconds kLongest(100);
  const auto began = Clock::now();
  for (int i = 0; i < kMostAtOnce && Clock::now() - began < kLongest; ++i) {
    auto message = listener.receive();
    if (!message) break;
    ++tally_.hellos;
    if (!user(message->uid).messages.take(1, Clock::now())) {
      ++tally_.over_rate;
      continue;
    }
    try {
      take(*std::move(message));
    } catch (const std::exception& problem) {
      failed(problem.what());  // it asked the database
    }
  }
  tally_.refused += listener.refused() - refused;
  acknowledge();
}

bool Recorder::may_add(uid_t uid) {
  if (user(uid).processes.take(1, Clock::now())) return true;
  ++tally_.over_rate;
  return false;
}

Recorder::Shared Recorder::add(collect::Message& message) {
  const Hello& hello = message.hello;
  // A pid that says hello once more is another program, or forked without our knowledge.
  if (const Shared before = living(message.pid); before && before->identity != hello.identity) {
    before->close(model::RunState::kReplaced, std::nullopt);
    changed_.insert(before->identity);
  }
  auto followed = std::make_shared<Followed>();
  followed->pid = message.pid;
  followed->uid = message.uid;
  followed->user = &user(message.uid);
  followed->is_trusted = message.uid == geteuid() || message.uid == 0;
  followed->identity = hello.identity;
  followed->pidfd = std::move(message.pidfd);
  model::Run& run = followed->run;
  collect::fill_in(run, hello);
  run.pid = static_cast<std::uint32_t>(message.pid);
  run.uid = message.uid;
  run.identity = hello.identity;
  run.boot = boot_;
  run.start_ticks = collect::proc::start_ticks(message.pid);
  collect::Membership membership = collect::membership_of(message.pid);
  run.unit = std::move(membership.unit);
  run.container = std::move(membership.container);
  if (hello.forked != 0 && hello.parent != 0) {
    if (const auto parent = living_.find(hello.parent); parent != living_.end()) {
      if (parent->second->to_explain) explain_stored(*parent->second);
      followed->parent = parent->second;
    } else if (database_) {
      run.parent = database_->run_of_identity(hello.parent);
    }
  }
  followed->next_sample = Clock::now() + followed->sample_interval;
  ++followed->user->rings;
  living_[followed->identity] = followed;
  by_pid_[followed->pid] = followed->identity;
  changed_.insert(followed->identity);
  if (followed->pidfd)
    watch_.add(followed->pidfd.get(), followed->identity);
  else
    schedule(*followed, Clock::now() + kGather);
  return followed;
}

void Recorder::take(collect::Message message) {
  const Hello& hello = message.hello;
  const auto found = living_.find(hello.identity);
  Shared known = hello.identity != 0 && found != living_.end() ? found->second : nullptr;
  // Identities are random, and no secret to the same user's processes: nobody else's may be spoken
  // for. A process that changes its user stays itself.
  if (known && known->uid != message.uid && known->pid != message.pid) {
    ++tally_.foreign;
    return;
  }
  switch (hello.subject) {
    case Hello::Subject::kDoorbell:
      if (known && !known->ended) {
        const auto now = Clock::now();
        schedule(*known, std::min(known->due, known->awake ? now : now + kGather));
      }
      return;
    case Hello::Subject::kRing: {
      User& owner = user(message.uid);
      if (known && known->ring) {
        const auto began = Clock::now();
        if (!owner.offers.take(0, began)) {
          ++tally_.over_rate;
          return;
        }
        replace_ring(*known, message.ring);
        owner.offers.take(std::chrono::duration<double>(Clock::now() - began).count(), began);
        return;
      }
      if (!known && owner.rings >= options_.rings_per_user) {
        ++tally_.over_rings;
        if (!owner.said_too_many)
          voice_.warn("user " + std::to_string(message.uid) + " has " +
                      std::to_string(owner.rings) +
                      " recorded processes: more go unrecorded (--rings-per-user)");
        owner.said_too_many = true;
        return;
      }
      if (hello.identity == 0) break;
      if (!known && !may_add(message.uid)) return;
      if (!known) known = add(message);
      if (!take_ring(*known, message.ring)) return;
      // An earlier daemon may have been killed after it stored events and before it freed them.
      if (known->run.id != 0) take_up_books(*known);
      schedule(*known, Clock::now() + kGather);
      return;
    }
    case Hello::Subject::kEnd:
      if (!known || known->ring) return;
      known->run.counters.emplace();
      std::copy(std::begin(hello.counters), std::end(hello.counters), known->run.counters->begin());
      changed_.insert(known->identity);
      return;
    case Hello::Subject::kBegin:
    case Hello::Subject::kCannot:
      if (hello.identity == 0) break;
      if (!known && user(message.uid).rings >= options_.rings_per_user) {
        ++tally_.over_rings;
        return;
      }
      if (!known && !may_add(message.uid)) return;
      if (!known) known = add(message);
      collect::fill_in(known->run, hello);
      changed_.insert(known->identity);
      return;
    case Hello::Subject::kCount:
      break;
  }
  ++tally_.refused;
}

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

void Recorder::read(Followed& followed, Clock::time_point now) {
  if (followed.user != nullptr && !followed.user->events.take(0, now)) {
    schedule(followed, std::max(followed.user->events.next(now), now + milliseconds(1)));
    followed.ring->beat();  // somebody is there: another ring would be as full
    return;
  }
  const std::size_t before = followed.events.size();
  const bool late = followed.ring->unfinished() != 0;
  followed.changed = false;
  const bool any = followed.read_ring(late);
  const std::size_t count = followed.events.size() - before;
  if (followed.user != nullptr) followed.user->events.take(static_cast<double>(count), now);
  if (any || followed.changed)
    changed_.insert(followed.identity);
  else
    followed.ring->rest();
  note_look(followed, count);
  if (count != 0) {
    const double factor = static_cast<double>(kAimedAt) / static_cast<double>(count);
    followed.interval = std::clamp(std::chrono::duration_cast<Clock::duration>(
                                       followed.interval * std::clamp(factor, 0.25, 2.0)),
                                   Clock::duration(kOften), Clock::duration(kSeldom));
    followed.awake = true;
  }
  if (followed.ring->is_filtered()) {
    followed.interval = std::min(followed.interval, Clock::duration(kFiltered));
  } else if (count == 0) {
    // Nothing more for now: the next event rings. What came in between rang no bell.
    followed.awake = false;
    followed.ring->wait_for(1);
    if (followed.ring->has_news()) followed.awake = true;
  }
  if (followed.awake || followed.ring->is_filtered()) {
    followed.ring->wait_for(kQuarter);
    schedule(followed, now + followed.interval);
  } else {
    schedule(followed, followed.next_sample);
  }
}

void Recorder::see_end(Followed& followed) {
  if (followed.ended || !is_gone(followed)) return;
  const std::size_t before = followed.events.size();
  followed.close(model::RunState::kEnded, exit_of(followed));
  note_look(followed, followed.events.size() - before);
  changed_.insert(followed.identity);
}

std::optional<collect::proc::Exit> Recorder::exit_of(const Followed& followed) const {
  const bool may_look = geteuid() == 0 || geteuid() == followed.uid;
  return collect::proc::exit_of(followed.pidfd.get(), followed.pid, may_look);
}

void Recorder::process_ended(std::uint64_t identity) {
  const auto found = living_.find(identity);
  if (found != living_.end()) see_end(*found->second);
  // Very many may end at once, whose rings were looked at from end to end.
  if (is_enough() && !is_failing()) store();
}

void Recorder::sample(Followed& followed, Clock::time_point now) {
  // All processes together: at most a hundredth of the time, by ten seconds.
  constexpr auto kStretch = std::chrono::seconds(10);
  constexpr double kBudget = 0.1;
  if (now - sampling_since_ > kStretch) {
    sampling_since_ = now;
    sampled_for_ = 0;
  }
  if (sampled_for_ > kBudget) {
    followed.next_sample = now + std::chrono::seconds(5);
    return;
  }
  const std::uint32_t samples = followed.run.samples;
  const std::size_t before = followed.events.size();
  if (followed.to_explain) explain_stored(followed);
  if (!followed.sample(now)) followed.close(model::RunState::kReplaced, std::nullopt);
  buffered_ += followed.events.size() - before;
  sampled_for_ += std::chrono::duration<double>(Clock::now() - now).count();
  if (followed.ended || followed.run.samples != samples)
    changed_.insert(followed.identity);
  else  // not allowed to: another user's, and it stays so
    followed.next_sample = now + std::chrono::seconds(60);
}

Clock::time_point Recorder::look(Clock::time_point now) {
  if (now >= retry_ && (!database_ || storing_fails_)) {
    open_database();
    take_up();
    if (database_) store();
  }
  if (is_failing())
    for (const auto& [identity, followed] : living_)
      if (followed->ring && !followed->ended) followed->ring->beat();
  // What can't be stored stays in the rings.
  while (!is_failing() && !queue_.empty() && queue_.begin()->first <= now) {
    const auto found = living_.find(queue_.begin()->second);
    queue_.erase(queue_.begin());
    if (found == living_.end()) continue;
    Followed& followed = *found->second;
    followed.due = Clock::time_point::max();
    if (followed.ended) continue;
    if (followed.ring) {
      if (now >= followed.next_sample) sample(followed, now);
      if (followed.ended) continue;
      read(followed, now);
    }
    if (!followed.pidfd) {
      see_end(followed);
      if (!followed.ended) schedule(followed, std::min(followed.due, now + kAskAgain));
    }
    if (is_enough()) store();
  }
  acknowledge();
  if (!is_failing() && (!changed_.empty() || !verdicts_.empty())) store();
  if (!is_failing() && now >= next_retention_) retain(now);
  Clock::time_point next = is_failing() ? retry_ : next_retention_;
  if (!is_failing() && !queue_.empty()) next = std::min(next, queue_.begin()->first);
  // How some ended is told only once they were reaped.
  if (!changed_.empty() && !is_failing()) next = std::min(next, now + milliseconds(50));
  return next;
}

void Recorder::flush() {
  const auto now = Clock::now();
  for (const auto& [identity, followed] : living_)
    if (!followed->ended && followed->ring && followed->ring->has_news()) schedule(*followed, now);
  look(now);
}

void Recorder::finish() {
  flush();
  if (database_ && !storing_fails_) store();
}

}  // namespace jitcorral::serve
