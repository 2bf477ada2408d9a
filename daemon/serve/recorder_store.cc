// From what was read to the database: one transaction for all that is new.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "collect/fill_in.h"
#include "serve/recorder.h"

namespace jitcorral::serve {
namespace {

constexpr auto kRetry = std::chrono::seconds(1);
constexpr auto kRetention = std::chrono::seconds(60);
// How an end without a known status is asked about.
constexpr auto kAskedAbout = std::chrono::seconds(5);
// Events in our memory before they are stored: 1 MiB; until then the pages of their rings are ours
// too, of which there may be many with few events.
constexpr std::size_t kMostBuffered = 16 << 10;
constexpr std::size_t kMostLookedAt = 12 << 20;  // bytes
// A log that grows faster than the other thread can empty it is emptied by who fills it.
constexpr off_t kLongLog = 96 << 20;

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

// When this boot began.
model::WallTime boot_time() {
  timespec up = {};
  clock_gettime(CLOCK_BOOTTIME, &up);
  return collect::wall_time_now() - (std::int64_t{up.tv_sec} * 1'000'000'000 + up.tv_nsec);
}

}  // namespace

void Recorder::failed(const std::string& why) {
  ++tally_.store_failures;
  retry_ = Clock::now() + kRetry;
  if (said_failing_ == why) return;
  voice_.warn(why + "; recording goes on when it can, rings keep what they have room for");
  said_failing_ = why;
}

void Recorder::open_database() {
  if (database_ && !storing_fails_) return;
  if (database_) {
    retry_ = Clock::now() + kRetry;
    return;  // store() tries it
  }
  try {
    store::Database database = store::Database::open(options_.database);
    database.wait_at_most(std::chrono::milliseconds(50));
    database.leave_checkpoints();
    // One session a boot: pids mean something within it.
    for (const model::Session& session : database.sessions())
      if (session.command == model::kDaemonCommand && !session.ended &&
          session.started >= boot_time()) {
        session_ = session;
        break;
      }
    if (session_.id == 0) {
      session_.started = collect::wall_time_now();
      session_.command = model::kDaemonCommand;
      session_.host = host_name();
      session_.version = JITCORRAL_VERSION;
      database.batch([&] { session_.id = database.add_session(session_); });
    }
    checkpointer_ = std::make_unique<store::Checkpointer>(database.path());
    database_ = std::move(database);
  } catch (const std::exception& problem) {
    session_ = {};
    failed(problem.what());
    return;
  }
  if (!said_failing_.empty()) voice_.say("recording goes on");
  said_failing_.clear();
}

void Recorder::write_batch(std::vector<std::pair<Followed*, model::RunId>>& added) {
  std::map<const collect::Process*, model::RunId> ids;
  for (const std::uint64_t identity : changed_) {
    const auto found = living_.find(identity);
    if (found == living_.end()) continue;
    Followed& followed = *found->second;
    model::Run& run = followed.run;
    if (run.session == 0) run.session = session_.id;
    if (followed.parent) {
      const auto parent = ids.find(followed.parent.get());
      const model::RunId id = parent != ids.end() ? parent->second : followed.parent->run.id;
      // A child that comes before its parent in one batch is linked by the next one.
      if (id != 0) run.parent = id;
    }
    // Retention, or somebody else, may have deleted what was written before: a row that refers to
    // it would fail, and with it everything that is stored together.
    if (run.parent && !database_->has_run(*run.parent)) run.parent.reset();
    model::RunId id = run.id;
    if (id != 0 && !database_->has_run(id)) {
      if (followed.ended) continue;  // all of it was deleted, and nothing more will come
      id = 0;
      followed.known_sites.clear();  // told anew, as their events come
    }
    if (id == 0)
      added.emplace_back(&followed, ids[&followed] = id = database_->add_run(run));
    else
      database_->update_run(run);
    for (const model::Site& site : followed.sites) database_->add_site(id, site);
    for (const model::Unseen& unseen : followed.unseen) database_->add_unseen(id, unseen);
    database_->append_events(id, followed.events);
  }
  for (const auto& [run, verdict] : verdicts_) database_->set_verdict(run, verdict);
}

// Somebody took the database away. What was not stored yet goes into a new one; that more is
// missing shows in each row, by tickets that nobody accounts for.
void Recorder::begin_anew() {
  voice_.warn(options_.database +
              " is not there any more: what it held of living processes is lost, the rest is "
              "recorded into a new one");
  checkpointer_.reset();
  database_.reset();
  session_ = {};
  verdicts_.clear();
  storing_fails_ = false;
  for (const auto& [identity, followed] : living_) {
    model::Run& run = followed->run;
    run.id = 0;
    run.session = 0;
    run.parent.reset();
    run.recorded = followed->events.size();
    followed->stored = 0;
    // Callers that were stored are told anew, as their events come.
    followed->known_sites.clear();
    changed_.insert(identity);
  }
  open_database();
}

void Recorder::note_look(const Followed& followed, std::size_t events) {
  buffered_ += events;
  if (followed.ring) looked_at_ += followed.ring->looked_at();
}

bool Recorder::is_enough() const {
  return buffered_ >= kMostBuffered || looked_at_ >= kMostLookedAt;
}

bool Recorder::store() {
  if (!database_) return false;
  if (database_->is_gone()) begin_anew();
  if (!database_) return false;
  std::vector<std::pair<Followed*, model::RunId>> added;
  try {
    database_->batch([&] { write_batch(added); });
  } catch (const std::exception& problem) {
    storing_fails_ = true;
    failed(problem.what());
    return false;
  }
  for (const auto& [followed, id] : added) followed->run.id = id;
  if (!said_failing_.empty()) voice_.say("recording goes on");
  said_failing_.clear();
  storing_fails_ = false;
  after_storing();
  struct stat log = {};
  if (stat((database_->path() + "-wal").c_str(), &log) == 0 && log.st_size > kLongLog)
    database_->empty_log();
  return true;
}

void Recorder::after_storing() {
  const auto now = Clock::now();
  std::vector<Shared> done;
  for (auto at = changed_.begin(); at != changed_.end();) {
    const auto found = living_.find(*at);
    if (found == living_.end()) {
      at = changed_.erase(at);
      continue;
    }
    Followed& followed = *found->second;
    tally_.events += followed.events.size();
    followed.stored = followed.run.recorded;
    std::vector<Event>().swap(followed.events);  // room for a segment, of each process, is much
    followed.sites.clear();
    followed.unseen.clear();
    // Only now: what a killed daemon had not stored is still in the ring.
    if (followed.ring) {
      followed.ring->release();
      followed.ring->rest();
    }
    const bool is_unknown = followed.run.state == model::RunState::kEnded &&
                            !followed.run.exit_code && !followed.run.signal && followed.pidfd;
    if (is_unknown && now - followed.ended_at < kAskedAbout) {
      if (const auto exit = exit_of(followed)) {
        followed.run.exit_code = exit->code;
        followed.run.signal = exit->signal;
      }
      ++at;  // once more, with what is known then
      continue;
    }
    if (followed.ended) done.push_back(found->second);
    at = changed_.erase(at);
  }
  buffered_ = looked_at_ = 0;
  verdicts_.clear();
  for (const Shared& followed : done) {
    schedule(*followed, Clock::time_point::max());
    if (followed->kept) keeper_->forget(followed->name());
    if (followed->user != nullptr && followed->user->rings > 0) {
      --followed->user->rings;
      if (followed->user->rings < options_.rings_per_user / 2)
        followed->user->said_too_many = false;  // it would be news
    }
    if (const auto pid = by_pid_.find(followed->pid);
        pid != by_pid_.end() && pid->second == followed->identity)
      by_pid_.erase(pid);
    living_.erase(followed->identity);
    if (on_end) on_end(followed->run);
    // What its children ask for stays with them; the descriptors go.
    followed->let_go();
  }
}

void Recorder::keep_verdict(model::RunId run, std::string verdict) {
  verdicts_.emplace_back(run, std::move(verdict));
}

void Recorder::retain(Clock::time_point now) {
  next_retention_ = now + kRetention;
  store::Retention retention;
  if (options_.retain_days != 0)
    retention.oldest =
        collect::wall_time_now() - std::int64_t{options_.retain_days} * 86'400'000'000'000;
  retention.most_bytes = options_.retain_bytes;
  try {
    const store::Removed removed = database_->retain(retention);
    tally_.removed_runs += removed.runs;
    // A portion at a time: rings are read in between.
    if (removed.more) next_retention_ = now + std::chrono::milliseconds(50);
  } catch (const std::exception& problem) {
    failed(problem.what());
  }
}

}  // namespace jitcorral::serve
