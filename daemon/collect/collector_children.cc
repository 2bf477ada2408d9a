// Which descendants never said hello, and why.
#include "collect/collector.h"
#include "collect/fill_in.h"

#include <algorithm>
#include <set>

namespace jitcorral::collect {

void Collector::add_not_loaded(pid_t pid, const std::string& executable, const std::string& why,
                               model::RunState state) {
  auto process = std::make_unique<Process>();
  process->pid = pid;
  process->run.session = session_.id;
  process->run.pid = static_cast<std::uint32_t>(pid);
  process->run.executable = executable;
  process->run.state = state;
  process->run.reason = why;
  process->run.isa = kOwnIsa;
  process->run.started = wall_time_now();
  process->ended = true;
  if (pid == command_ && command_exit_) {
    process->run.exit_code = command_exit_->code;
    process->run.signal = command_exit_->signal;
    process->run.ended = wall_time_now();
  }
  process->ended_at = Clock::now();
  keep(std::move(process));
}

void Collector::see_child(pid_t pid, Clock::time_point now) {
  // Between exec and the dynamic linker's work a process looks as if nothing were loaded.
  constexpr Clock::duration kSettle = std::chrono::milliseconds(15);
  std::string executable = proc::executable(pid);
  const bool is_closed_to_us = executable.empty();
  if (is_closed_to_us) {
    // Set-uid programs may be seen, but not looked at; so may processes that hide themselves.
    if (proc::state(pid) != proc::State::kAlive || living(pid) != nullptr) return;
    executable = proc::name(pid);
  }
  if (Process* process = living(pid)) {
    // After an exec of a program that does not load the shim there is no second hello.
    if (process->run.executable == executable) return;
    const auto all = proc::mappings(pid);
    if (!all || std::any_of(all->begin(), all->end(),
                            [&](const proc::Mapping& m) { return m.name == shim_; }))
      return;
    Silent& silent = silent_.try_emplace(pid, Silent{now, executable, false}).first->second;
    if (silent.executable != executable) silent = {now, executable, false};
    if (now - silent.since < kSettle) return;
    process->close(model::RunState::kReplaced, std::nullopt);
  }
  Silent& silent = silent_.try_emplace(pid, Silent{now, executable, false}).first->second;
  if (silent.executable != executable) silent = {now, executable, false};
  if (silent.settled || now - silent.since < kSettle) return;
  const auto all = proc::mappings(pid);
  if (!all && (is_closed_to_us || proc::state(pid) == proc::State::kAlive)) {
    silent.settled = true;
    add_not_loaded(pid, executable, "may not be looked at (set-uid, or another user's)",
                   model::RunState::kNotLoaded);
  }
  if (!all) return;
  silent.settled = true;
  const bool loaded = std::any_of(all->begin(), all->end(),
                                  [&](const proc::Mapping& m) { return m.name == shim_; });
  if (!loaded) {
    add_not_loaded(pid, executable, proc::why_not_loaded(pid, shim_), model::RunState::kNotLoaded);
    return;
  }
  if (proc::seccomp_filters(pid) > own_filters_) {
    add_not_loaded(pid, executable, "a seccomp filter is in force, so it says nothing",
                   model::RunState::kRunning);
    return;
  }
  // A fork of what we follow is part of it until it does something of its own.
  const bool is_fork = std::any_of(processes_.begin(), processes_.end(), [&](const auto& process) {
    return process->run.executable == executable;
  });
  if (!is_fork)
    add_not_loaded(pid, executable,
                   "the library is inert in it (JITCORRAL_POLICY=off, JITCORRAL_ONLY, "
                   "JITCORRAL_RECORD=off or /etc/jitcorral/disable)",
                   model::RunState::kNotLoaded);
}

void Collector::see_children(Clock::time_point now) {
  constexpr Clock::duration kLongest = std::chrono::milliseconds(250);
  std::vector<pid_t> to_visit;
  if (command_ != 0 && !command_exit_) to_visit.push_back(command_);
  for (const Process* process : followed_)
    if (!process->ended) to_visit.push_back(process->pid);
  for (const auto& [pid, silent] : silent_) to_visit.push_back(pid);
  std::set<pid_t> seen;
  bool news = false;
  while (!to_visit.empty()) {
    const pid_t pid = to_visit.back();
    to_visit.pop_back();
    if (!seen.insert(pid).second) continue;
    news |= !silent_.contains(pid) && living(pid) == nullptr;
    see_child(pid, now);
    for (const pid_t child : proc::children(pid)) to_visit.push_back(child);
  }
  // Who is gone takes its pid along.
  std::erase_if(silent_,
                [](const auto& entry) { return proc::state(entry.first) != proc::State::kAlive; });
  const bool unsettled = std::any_of(silent_.begin(), silent_.end(),
                                     [](const auto& entry) { return !entry.second.settled; });
  scan_interval_ = news || unsettled ? Clock::duration(std::chrono::milliseconds(20))
                                     : std::min(scan_interval_ * 2, kLongest);
  next_scan_ = now + scan_interval_;
}

}  // namespace jitcorral::collect
