#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>

#include "collect/emulated.h"
#include "collect/live_code.h"
#include "collect/ring_file.h"
#include "command/commands.h"
#include "command/daemon_client.h"
#include "command/load.h"
#include "command/open_database.h"
#include "command/output.h"
#include "show/audit.h"

namespace jitcorral::command {
namespace {

// Who records the process: the database that was named, a daemon, the default database.
std::optional<store::Database> database_of(const AuditOptions& options) {
  if (!options.db.empty()) return open_database(options.db);
  model::Query query;
  query.what = model::Query::What::kPid;
  query.number = options.pid;
  if (std::optional<store::Database> asked = ask_daemon(query)) return asked;
  const std::string path = default_database();
  struct stat info {};
  if (path.empty() || stat(path.c_str(), &info) != 0) return std::nullopt;
  return open_database("");
}

std::optional<show::Detailed> record_of(const AuditOptions& options) try {
  if (!options.ring.empty()) {
    show::Detailed run = detailed(collect::read_ring_file(options.ring));
    if (run.shown.run.pid != static_cast<std::uint32_t>(options.pid))
      throw std::runtime_error(fmt::format("{} is the record of pid {}, not of {}", options.ring,
                                           run.shown.run.pid, options.pid));
    return run;
  }
  const auto database = database_of(options);
  if (!database) return std::nullopt;
  const std::vector<model::Run> runs =
      database->runs_of_pid(static_cast<std::uint32_t>(options.pid));
  // Who had the number before is not meant.
  if (runs.empty() || runs[0].state != model::RunState::kRunning ||
      (runs[0].start_ticks != 0 && runs[0].start_ticks != collect::proc::start_ticks(options.pid)))
    return std::nullopt;
  std::vector<show::Detailed> all = load_detailed(*database, std::span(runs).first(1));
  return all.empty() ? std::nullopt : std::optional(std::move(all[0]));
} catch (const std::exception& error) {
  if (!options.db.empty() || !options.ring.empty()) throw;
  note(fmt::format("audit: goes on without a record: {}", error.what()));
  return std::nullopt;
}

std::vector<collect::EngineMemory> engine_memory(const show::Detailed& run) {
  std::vector<collect::EngineMemory> out;
  for (const analyze::Placement& p : run.placements.all)
    if (p.of_jit && !p.died) out.push_back({p.range, p.engine, p.kind == Kind::kCode});
  return out;
}

// Under qemu only a record tells which memory of the program is code.
void emulated(std::int32_t pid, const std::string& isa, const std::optional<show::Detailed>& record,
              collect::WhatToAudit& what) {
  if (!record)
    throw std::runtime_error(fmt::format(
        "process {} is emulated (qemu-{}): its list of mappings does not show which memory of the "
        "program is code; accepted: the database or ring file of its record (--db, --ring)",
        pid, isa));
  std::vector<AddressRange> ranges;
  for (const collect::EngineMemory& known : what.known) ranges.push_back(known.range);
  const auto mappings = collect::proc::mappings(pid);
  const auto shift = mappings ? collect::shift_of(*mappings, ranges, record->sites) : std::nullopt;
  if (!shift)
    throw std::runtime_error(fmt::format(
        "process {} is emulated (qemu-{}), and what its record knows is not in its memory", pid,
        isa));
  what.emulated = true;
  what.shift = *shift;
  what.isa = record->shown.run.isa;
}

int status_of(decode::Finding finding) {
  switch (finding) {
    case decode::Finding::kWithinReach:
    case decode::Finding::kNoCode:
      return 0;
    case decode::Finding::kOutOfReach:
      return kAtRisk;
    default:
      return kUnknown;
  }
}

}  // namespace

int audit(const AuditOptions& options) try {
  if (collect::proc::state(options.pid) == collect::proc::State::kGone)
    throw std::runtime_error(fmt::format("there is no process {}", options.pid));
  show::AuditedProcess process;
  process.pid = static_cast<std::uint32_t>(options.pid);
  process.executable = collect::proc::executable(options.pid);
  collect::WhatToAudit what;
  what.files = options.all;
  const std::optional<show::Detailed> record = record_of(options);
  if (record) {
    process.recorded = true;
    if (record->shown.run.id > 0) process.run = record->shown.run.id;
    for (const analyze::EngineUse& engine : record->shown.report.engines)
      process.engines.push_back(engine.name);
    what.known = engine_memory(*record);
  }
  if (const std::string isa = collect::emulator_of(process.executable); !isa.empty()) {
    emulated(options.pid, isa, record, what);
    process.executable = record->shown.run.executable;
  }
  collect::LiveAudit live = collect::audit_process(options.pid, what);
  if (!live.why_not.empty()) throw std::runtime_error(live.why_not);
  process.audit = std::move(live.audit);
  const std::string text =
      options.json ? show::dump(show::audit_json(process, options.limit))
                   : show::audit_text(process, options.limit, text_options(STDOUT_FILENO));
  if (const int failed = print(text)) return failed;
  return status_of(process.audit.finding);
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command
