// From what was collected to the database: one transaction a look.
#include "collect/collector.h"

#include <map>

namespace jitcorral::collect {

void Collector::store() {
  const Clock::time_point now = Clock::now();
  if (!database_ || now < retry_store_) return;
  bool anything = session_.ended.has_value();
  for (const auto& process : processes_) anything |= process->changed || !process->events.empty();
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
      for (const auto& process : processes_) {
        if (!process->changed && process->events.empty()) continue;
        model::Run run = process->run;
        run.session = session_.id;
        run.parent = id_of(process->parent);
        if (run.id == 0)
          run.id = added[process.get()] = database_->add_run(run);
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
    if (!storing_fails_) say_(std::string(problem.what()) + "; recording goes on when it can");
    storing_fails_ = true;
    retry_store_ = now + std::chrono::seconds(1);
    return;
  }
  if (storing_fails_) say_("recording goes on");
  storing_fails_ = false;
  for (const auto& process : processes_) {
    if (const auto found = added.find(process.get()); found != added.end())
      process->run.id = found->second;
    process->changed = false;
    process->events.clear();
    process->sites.clear();
    process->unseen.clear();
    // Only now: what a killed recorder had not stored is still in the ring.
    if (process->ring) process->ring->release();
    if (process->ended) process->ring.reset();
  }
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
