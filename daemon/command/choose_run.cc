#include "command/choose_run.h"

#include <fmt/format.h>

#include <optional>
#include <stdexcept>

#include "collect/proc.h"
#include "command/daemon_client.h"
#include "command/open_database.h"

namespace jitcorral::command {
namespace {

std::optional<model::Run> newest_of_pid(const store::Database& database, std::int64_t pid) {
  if (pid > UINT32_MAX) return std::nullopt;
  std::vector<model::Run> runs = database.runs_of_pid(static_cast<std::uint32_t>(pid));
  return runs.empty() ? std::nullopt : std::optional(std::move(runs.front()));
}

bool lives(const model::Run& run) {
  return run.state == model::RunState::kRunning &&
         collect::proc::state(static_cast<pid_t>(run.pid)) == collect::proc::State::kAlive;
}

std::optional<Choice> choice_in(const store::Database& database, const Which& which) {
  std::optional<model::Run> by_pid, by_id;
  if (which.kind != Which::Kind::kRun) by_pid = newest_of_pid(database, which.number);
  if (which.kind != Which::Kind::kPid) by_id = database.run(which.number);
  if (by_pid && by_id && by_pid->id != by_id->id) {
    const bool pid_first = lives(*by_pid);
    const model::Run& taken = pid_first ? *by_pid : *by_id;
    const model::Run& other = pid_first ? *by_id : *by_pid;
    return Choice{
        taken,
        pid_first ? fmt::format("{0} is taken for the living process (run {1}); run:{0} is the run "
                                "of that number, of pid {2}",
                                which.number, taken.id, other.pid)
                  : fmt::format("{0} is taken for the run; pid:{0} is the process that had that "
                                "number (run {1})",
                                which.number, other.id)};
  }
  if (by_pid) return Choice{*by_pid, ""};
  if (by_id) return Choice{*by_id, ""};
  return std::nullopt;
}

}  // namespace

// A daemon that is asked for a number may hold it as a run, as a pid or as both.
std::optional<Chosen> ask_daemon_for(const Which& which) {
  for (const auto what : {model::Query::What::kPid, model::Query::What::kRun}) {
    const bool is_pid = what == model::Query::What::kPid;
    if (which.kind == (is_pid ? Which::Kind::kRun : Which::Kind::kPid)) continue;
    model::Query query;
    query.what = what;
    query.number = which.number;
    std::optional<store::Database> database = ask_daemon(query);
    if (!database) return std::nullopt;
    Which exactly = which;
    exactly.kind = is_pid ? Which::Kind::kPid : Which::Kind::kRun;
    std::optional<Choice> choice = choice_in(*database, exactly);
    // A pid that is nobody's any more comes after a run of that number.
    if (!choice || (is_pid && which.kind == Which::Kind::kEither && !lives(choice->run))) continue;
    return Chosen{std::move(*database), std::move(*choice)};
  }
  if (which.kind != Which::Kind::kEither) return std::nullopt;
  return ask_daemon_for({Which::Kind::kPid, which.number});
}

Chosen choose_run(const std::string& db, const Which& which) {
  if (db.empty())
    if (std::optional<Chosen> chosen = ask_daemon_for(which)) return std::move(*chosen);
  store::Database database = open_database(db);
  if (std::optional<Choice> choice = choice_in(database, which))
    return {std::move(database), std::move(*choice)};
  const char* const what = which.kind == Which::Kind::kPid   ? "no run of pid"
                           : which.kind == Which::Kind::kRun ? "no run"
                                                             : "neither a run nor a pid";
  throw std::runtime_error(fmt::format("{} {} in {}: `jitcorral runs{}` lists them", what,
                                       which.number, database.path(), db_option(db)));
}

}  // namespace jitcorral::command
