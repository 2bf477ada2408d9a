#include "command/choose_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "collect/proc.h"

namespace jitcorral::command {
namespace {

// The newest run of that pid.
std::optional<model::Run> run_of_pid(const store::Database& database, std::int64_t pid) {
  for (const model::Session& session : database.sessions()) {
    std::vector<model::Run> runs = database.runs(session.id);
    const auto at = std::find_if(runs.rbegin(), runs.rend(),
                                 [&](const model::Run& run) { return run.pid == pid; });
    if (at != runs.rend()) return *at;
  }
  return std::nullopt;
}

bool lives(const model::Run& run) {
  return run.state == model::RunState::kRunning &&
         collect::proc::state(static_cast<pid_t>(run.pid)) == collect::proc::State::kAlive;
}

}  // namespace

Choice choose_run(const store::Database& database, const Which& which) {
  std::optional<model::Run> by_pid, by_id;
  if (which.kind != Which::Kind::kRun) by_pid = run_of_pid(database, which.number);
  if (which.kind != Which::Kind::kPid) by_id = database.run(which.number);
  if (by_pid && by_id && by_pid->id != by_id->id) {
    const bool pid_first = lives(*by_pid);
    const model::Run& taken = pid_first ? *by_pid : *by_id;
    const model::Run& other = pid_first ? *by_id : *by_pid;
    return {taken,
            pid_first
                ? fmt::format("{0} is taken for the living process (run {1}); run:{0} is the run "
                              "of that number, of pid {2}",
                              which.number, taken.id, other.pid)
                : fmt::format("{0} is taken for the run; pid:{0} is the process that had that "
                              "number (run {1})",
                              which.number, other.id)};
  }
  if (by_pid) return {*by_pid, ""};
  if (by_id) return {*by_id, ""};
  switch (which.kind) {
    case Which::Kind::kPid:
      throw std::runtime_error(fmt::format("no run of pid {} in {}: `jitcorral runs` lists them",
                                           which.number, database.path()));
    case Which::Kind::kRun:
      throw std::runtime_error(fmt::format("no run {} in {}: `jitcorral runs` lists them",
                                           which.number, database.path()));
    default:
      throw std::runtime_error(
          fmt::format("neither a run nor a pid {} in {}: `jitcorral runs` lists them", which.number,
                      database.path()));
  }
}

}  // namespace jitcorral::command
