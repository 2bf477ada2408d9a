// From what was collected to the database: one transaction a look.
#include "collect/collector.h"

#include <map>

namespace jitcorral::collect {
namespace {

// How long an end without a known status is asked about: it is told once the process was reaped.
constexpr Clock::duration kAskedAbout = std::chrono::seconds(1);
// A database that others are at is tried again; a failure that lasts is said.
constexpr Clock::duration kRetry = std::chrono::milliseconds(100);
constexpr Clock::duration kPatience = std::chrono::seconds(3);

}  // namespace

void Collector::store() {
  const Clock::time_point now = Clock::now();
  if (!database_ || now < retry_store_) return;
  bool anything = session_.ended.has_value();
  for (const Process* process : followed_) anything |= process->changed || !process->events.empty();
  if (!anything) return;
  std::map<const Process*, model::RunId> added;
  const auto id_of = [&](const Process* process) -> std::optional<model::RunId> {
    if (process == nullptr) return std::nullopt;
    if (process->run.id != 0) return process->run.id;
    const auto found = added.find(process);
    return found == added.end() ? std::nullopt : std::optional(found->second);
  };
  try {
    database_->batch([&] {
      for (Process* process : followed_) {
        if (!process->changed && process->events.empty()) continue;
        model::Run run = process->run;
        run.session = session_.id;
        run.parent = id_of(process->parent.get());
        if (run.id == 0)
          run.id = added[process] = database_->add_run(run);
        else
          database_->update_run(run);
        for (const model::Site& site : process->sites) database_->add_site(run.id, site);
        for (const model::Unseen& unseen : process->unseen) database_->add_unseen(run.id, unseen);
        database_->append_events(run.id, process->events);
      }
      if (session_.ended) database_->update_session(session_);
    });
  } catch (const store::Error& problem) {
    // Nothing is lost yet: the rings keep what is not stored, as long as they have room.
    if (!storing_fails_) failing_since_ = now;
    storing_fails_ = true;
    retry_store_ = now + kRetry;
    if (said_failing_ || (now - failing_since_ < kPatience && !session_.ended)) return;
    said_failing_ = true;
    say_(std::string(problem.what()) +
         (session_.ended ? "; what came last is not recorded" : "; recording goes on when it can"));
    return;
  }
  if (said_failing_) say_("recording goes on");
  said_failing_ = false;
  storing_fails_ = false;
  for (Process* process : followed_) {
    if (const auto found = added.find(process); found != added.end())
      process->run.id = found->second;
    process->changed = false;
    process->events.clear();
    process->sites.clear();
    process->unseen.clear();
    // Only now: what a killed recorder had not stored is still in the ring.
    if (process->ring) process->ring->release();
  }
  std::erase_if(followed_, [&](Process* process) {
    const bool is_asked_about = process->run.state == model::RunState::kEnded &&
                                !process->run.exit_code && !process->run.signal && process->pidfd &&
                                now - process->ended_at < kAskedAbout;
    if (!process->ended || process->changed || is_asked_about) return false;
    if (goes_on_ && process->run.state != model::RunState::kNotLoaded)
      closed_.push_back(process->run.id);
    process->let_go();
    return true;
  });
}

void Collector::keep_verdicts(const std::vector<model::Run>& runs) {
  if (!database_) return;
  try {
    database_->batch([&] {
      for (const model::Run& run : runs) database_->update_run(run);
    });
  } catch (const store::Error& problem) {
    say_(problem.what());
  }
}

}  // namespace jitcorral::collect
