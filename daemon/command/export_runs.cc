#include <errno.h>
#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "command/commands.h"
#include "command/daemon_client.h"
#include "command/load.h"
#include "command/open_database.h"
#include "command/output.h"
#include "show/export.h"

namespace jitcorral::command {
namespace {

constexpr std::size_t kChunk = 64 * 1024;  // a write for this many bytes

// Lines to standard output, with CSV's head before the first.
class Out {
 public:
  explicit Out(show::ExportFormat format) : format_(format) {}
  void add(const show::Row& row) {
    if (!begun_) text_ += show::export_head(row, format_);
    begun_ = true;
    text_ += show::export_line(row, format_);
    if (text_.size() >= kChunk) flush();
  }
  // Of no rows at all the columns are told all the same.
  void end(const show::Row& example) {
    if (!begun_) text_ += show::export_head(example, format_);
    flush();
  }

 private:
  void flush() {
    if (!write_all(STDOUT_FILENO, text_))
      throw std::runtime_error(fmt::format("can't write to standard output: {}", strerror(errno)));
    text_.clear();
  }
  show::ExportFormat format_;
  bool begun_ = false;
  std::string text_;
};

// Of a daemon what was asked for, or all of a file.
store::Database source_of(const ExportOptions& options) {
  if (options.db.empty()) {
    model::Query query;
    query.what = options.run ? model::Query::What::kRun : model::Query::What::kSince;
    query.number = options.run.value_or(options.since);
    if (std::optional<store::Database> asked = ask_daemon(query)) return std::move(*asked);
  }
  return open_database(options.db);
}

void export_run(const store::Database& database, const model::Run& run,
                const ExportOptions& options, Out& out) {
  if (!options.events) {
    for (const show::Shown& shown : load(database, std::span(&run, 1)))
      out.add(show::run_row(shown, options.addresses));
    return;
  }
  const auto record = database.record(run.id);
  if (!record) return;  // deleted since
  const show::EventRows rows(*record, options.addresses);
  for (const Event& event : record->events) out.add(rows.row(event));
}

}  // namespace

int export_runs(const ExportOptions& options) try {
  const store::Database database = source_of(options);
  Out out(options.csv ? show::ExportFormat::kCsv : show::ExportFormat::kJson);
  if (options.run) {
    const auto run = database.run(*options.run);
    if (!run)
      throw std::runtime_error(fmt::format("no run {} in {}: `jitcorral runs{}` lists them",
                                           *options.run, database.path(), db_option(options.db)));
    export_run(database, *run, options, out);
  } else {
    std::vector<model::Session> sessions = database.sessions();
    std::reverse(sessions.begin(), sessions.end());  // the oldest first
    for (const model::Session& session : sessions)
      for (const model::Run& run : database.runs(session.id))
        if (run.started >= options.since) export_run(database, run, options, out);
  }
  const model::Record nothing;
  out.end(options.events ? show::EventRows(nothing, options.addresses).row(Event{})
                         : show::run_row({}, options.addresses));
  return 0;
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command
