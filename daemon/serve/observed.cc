#include "serve/observed.h"

#include <unistd.h>

#include "collect/fill_in.h"
#include "metrics/address.h"

namespace jitcorral::serve {
namespace {

void count(metrics::Group& group, const model::Run& run) {
  if (run.counters) group.add(*run.counters);
  group.events += run.recorded;
  group.events_dropped += run.dropped;
  group.events_torn += run.torn;
}

}  // namespace

Observed::Observed(Recorder& recorder, int wake, const std::string& database)
    : recorder_(recorder),
      wake_(wake),
      started_(static_cast<double>(collect::wall_time_now()) / 1e9),
      judge_(database, [this] {
        const std::uint64_t one = 1;
        // A counter that is full wakes the loop all the same.
        if (write(wake_, &one, sizeof one) != sizeof one) return;
      }) {
  recorder_.on_end = [this](const model::Run& run) { count_end(run); };
}

Observed::~Observed() {
  server_.reset();
  recorder_.on_end = nullptr;
}

void Observed::count_end(const model::Run& run) {
  metrics::Group& group = ended_.of(run.unit, run.executable);
  count(group, run);
  // An exec is no end; what it counted before stays counted.
  if (run.state == model::RunState::kReplaced) return;
  group.count(run.signal      ? metrics::Ending::kSignal
              : run.exit_code ? metrics::Ending::kExit
                              : metrics::Ending::kUnknown);
  judge_.ask(run);
}

void Observed::serve(Descriptor inherited, const std::string& where) {
  if (!inherited && where == "off") return;
  const int listening = inherited ? inherited.release() : metrics::listen_at(where);
  server_ = std::make_unique<metrics::Server>(listening, [this] { return ask(); });
}

metrics::Snapshot Observed::ask() {
  std::unique_lock lock(mutex_);
  asked_ = true;
  const std::uint64_t one = 1;
  if (write(wake_, &one, sizeof one) == sizeof one)
    answered_.wait_for(lock, std::chrono::seconds(2), [&] { return !asked_; });
  return latest_;
}

metrics::Snapshot Observed::snapshot_now() {
  // First come, first kept: who lives has his group before those that come later end.
  for (const auto& [identity, followed] : recorder_.living())
    ended_.of(followed->run.unit, followed->run.executable);
  metrics::Snapshot now;
  now.groups = ended_;
  for (const auto& [identity, followed] : recorder_.living()) {
    const model::Run& run = followed->run;
    metrics::Group& group = now.groups.of(run.unit, run.executable);
    ++group.living;
    count(group, run);
  }
  const Tally& tally = recorder_.tally();
  now.daemon.version = JITCORRAL_VERSION;
  now.daemon.started = started_;
  now.daemon.rings = recorder_.size();
  now.daemon.stored_bytes = tally.events * sizeof(Event);
  now.daemon.database_bytes = recorder_.database_bytes();
  now.daemon.store_failures = tally.store_failures;
  const auto set = [&](metrics::Refusal what, std::uint64_t n) {
    now.daemon.refused[static_cast<std::size_t>(what)] = n;
  };
  set(metrics::Refusal::kMalformed, tally.refused);
  set(metrics::Refusal::kCredentials, tally.foreign);
  set(metrics::Refusal::kRing, tally.rings_refused);
  set(metrics::Refusal::kRings, tally.over_rings);
  set(metrics::Refusal::kRate, tally.over_rate);
  return now;
}

void Observed::update() {
  for (const Judge::Judged& judged : judge_.take()) {
    ended_.of(judged.run.unit, judged.run.executable).count_verdict(judged.run.verdict);
    if (!judged.run.verdict.empty()) recorder_.keep_verdict(judged.run.id, judged.run.verdict);
  }
  const std::lock_guard lock(mutex_);
  if (!asked_) return;
  latest_ = snapshot_now();
  asked_ = false;
  answered_.notify_all();
}

}  // namespace jitcorral::serve
