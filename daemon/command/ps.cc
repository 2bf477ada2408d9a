#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <optional>

#include "collect/proc.h"
#include "collect/under_shim.h"
#include "command/commands.h"
#include "command/daemon_client.h"
#include "command/load.h"
#include "command/open_database.h"
#include "command/output.h"
#include "show/ps.h"
#include "show/safe.h"
#include "store/image.h"

namespace jitcorral::command {
namespace {

struct Source {
  std::optional<store::Database> database;
  bool daemon = false;
};

Source source_of(const PsOptions& options) {
  if (!options.db.empty()) return {open_database(options.db), false};
  model::Query query;
  query.what = model::Query::What::kLiving;
  try {
    if (std::optional<store::Database> asked = ask_daemon(query)) return {std::move(asked), true};
  } catch (const store::TooMuch&) {
    note("too many events for verdicts of all: `jitcorral explain PID` gives one's");
    query.rows_only = 1;
    if (std::optional<store::Database> asked = ask_daemon(query)) return {std::move(asked), true};
  }
  const std::string path = default_database();
  struct stat info {};
  if (path.empty() || stat(path.c_str(), &info) != 0) return {};
  return {open_database(""), false};
}

std::vector<model::Run> living_runs(const store::Database& database) {
  std::vector<model::Run> living = database.living_runs();
  std::erase_if(living, [](const model::Run& run) {
    return collect::proc::state(static_cast<pid_t>(run.pid)) != collect::proc::State::kAlive;
  });
  return living;
}

bool has_jit(const show::Detailed& run) {
  return run.shown.run.has_ring || !run.events.empty();
}

}  // namespace

int ps(const PsOptions& options) try {
  show::Processes processes;
  collect::Scan scan = collect::scan_processes();
  processes.closed = scan.closed;
  // By pid; what somebody records and what /proc shows of the same process come together.
  std::map<std::uint32_t, show::Living> all;
  for (collect::UnderShim& found : scan.found) {
    show::Living& living = all[static_cast<std::uint32_t>(found.pid)];
    living.pid = static_cast<std::uint32_t>(found.pid);
    living.name = std::move(found.name);
    living.executable = std::move(found.executable);
    living.jits = found.has_ring;
  }
  const Source source = source_of(options);
  processes.daemon = source.daemon;
  if (const std::optional<store::Database>& database = source.database) {
    processes.database = database->path();
    for (show::Detailed& run : load_detailed(*database, living_runs(*database))) {
      const std::uint32_t pid = run.shown.run.pid;
      // What it recorded ends when it calls exec; a pid without the shim is somebody else's now.
      const auto at = all.find(pid);
      const bool readable = collect::proc::mappings(static_cast<pid_t>(pid)).has_value();
      if (at == all.end() && readable) continue;
      show::Living& living = at == all.end() ? all[pid] : at->second;
      living.pid = pid;
      living.executable = run.shown.run.executable;
      living.name = show::basename_of(living.executable);
      living.jits |= has_jit(run);
      living.record = std::move(run);
    }
  }
  for (auto& [pid, living] : all) {
    if (!living.jits && !options.all)
      ++processes.silent;
    else
      processes.all.push_back(std::move(living));
  }
  return print(options.json ? show::dump(show::processes_json(processes))
                            : show::processes_text(processes, text_options(STDOUT_FILENO)));
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command
