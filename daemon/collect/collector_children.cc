// Which descendants never said hello, and why.
#include "collect/collector.h"
#include "collect/fill_in.h"

#include <algorithm>
#include <set>

namespace jitcorral::collect {

Process* Collector::add_not_loaded(pid_t pid, const std::string& executable, const std::string& why,
                                   model::RunState state) {
  auto process = std::make_shared<Process>();
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
  return keep(std::move(process));
}

namespace {

enum class Loading { kLoaded, kNotLoaded, kNotYetKnown };

// Whether a process has the shim, as far as its mappings tell. The dynamic linker maps what is
// preloaded before all other libraries: where there is one of these and no shim, none will come.
Loading loading_of(const std::vector<proc::Mapping>& mappings, const std::string& why_not,
                   const std::string& shim) {
  bool has_libraries = false;
  for (const proc::Mapping& m : mappings) {
    if (m.name == shim) return Loading::kLoaded;
    const std::size_t slash = m.name.rfind('/');
    const std::string name = m.name.substr(slash == std::string::npos ? 0 : slash + 1);
    has_libraries |= name.find(".so") != std::string::npos && !name.starts_with("ld-");
  }
  return has_libraries || !why_not.empty() ? Loading::kNotLoaded : Loading::kNotYetKnown;
}

}  // namespace

void Collector::list_silent(Silent& silent, pid_t pid, const std::string& why,
                            model::RunState state) {
  silent.settled = true;
  silent.listed = add_not_loaded(pid, silent.executable, why, state);
}

void Collector::see_child(pid_t pid, Clock::time_point now) {
  // A hello may be on its way, or a busy machine may not have come to it yet.
  constexpr Clock::duration kSettle = std::chrono::milliseconds(15);
  constexpr Clock::duration kLongSettle = std::chrono::seconds(1);
  Process* known = living(pid);
  std::string executable = proc::executable(pid);
  const bool is_closed_to_us = executable.empty();
  if (is_closed_to_us) {
    // Set-uid programs may be seen, but not looked at; so may processes that hide themselves.
    if (proc::state(pid) != proc::State::kAlive || known != nullptr) return;
    executable = proc::name(pid);
  }
  // After an exec of a program that does not load the shim there is no second hello.
  if (known != nullptr && known->run.executable == executable) return;
  Silent& silent = silent_.try_emplace(pid, Silent{now, executable}).first->second;
  if (silent.executable != executable) silent = {now, executable};
  if (silent.settled || now - silent.since < kSettle) return;

  const auto all = proc::mappings(pid);
  if (!all) {
    if (proc::state(pid) == proc::State::kAlive && known == nullptr)
      list_silent(silent, pid, "may not be looked at (set-uid, or another user's)",
                  model::RunState::kNotLoaded);
    return;
  }
  const std::string why_not = proc::why_not_loaded(pid, shim_);
  switch (loading_of(*all, why_not, shim_)) {
    case Loading::kNotYetKnown:
      return;
    case Loading::kNotLoaded:
      // Of one that came to its end meanwhile, nothing or only a part was to be seen.
      if (proc::state(pid) != proc::State::kAlive) return;
      if (known != nullptr) known->close(model::RunState::kReplaced, std::nullopt);
      list_silent(silent, pid, why_not, model::RunState::kNotLoaded);
      return;
    case Loading::kLoaded:
      break;
  }
  if (known != nullptr) return;  // its second hello will come
  if (proc::seccomp_filters(pid) > own_filters_) {
    list_silent(silent, pid, "a seccomp filter is in force, so it says nothing",
                model::RunState::kRunning);
    return;
  }
  // A fork of what we follow is part of it until it does something of its own.
  const bool is_fork = std::any_of(processes_.begin(), processes_.end(), [&](const auto& process) {
    return process->run.executable == executable;
  });
  if (is_fork)
    silent.settled = true;
  else if (now - silent.since >= kLongSettle)
    list_silent(silent, pid,
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
