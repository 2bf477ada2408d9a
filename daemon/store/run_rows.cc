// The rows of the table run.
#include <algorithm>
#include <array>
#include <string>

#include "jitcorral/policy_parse.h"
#include "store/columns.h"
#include "store/rows.h"

namespace jitcorral::store {
namespace {

// JSON, so that the sqlite3 shell can read it: [steered,fell back,...].
std::string text_of(const model::Counters& counters) {
  std::string text = "[";
  for (const std::uint64_t counter : counters) {
    if (text.size() > 1) text += ',';
    text += std::to_string(counter);
  }
  return text + "]";
}

// A version with fewer counters left the last ones at zero; of one with more only ours are known.
std::optional<model::Counters> counters_of(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  model::Counters counters{};
  for (std::uint64_t& counter : counters) {
    if (text.empty()) break;
    const std::size_t end = std::min(text.find(','), text.size());
    const auto number = parse_number(text.substr(0, end));
    if (!number) return std::nullopt;
    counter = *number;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return counters;
}

constexpr std::string_view kRunColumns =
    "session, parent, pid, state, reason, executable, isa, page_size, mode, near, version, started,"
    " ended, exit_code, signal, fork_time, window_begin, window_end, anchor_begin, anchor_end,"
    " window_reserved, counters, has_ring, recorded, position, dropped, torn, texts_lost,"
    " filter_arrived, samples, verdict, uid, identity, boot, start_ticks, unit, container,"
    " slurm_job, label, placed_before";
// What a database of version 1, opened for reading, gives for those that it lacks.
constexpr std::string_view kSince2 =
    ", uid, identity, boot, start_ticks, unit, container, slurm_job, label, placed_before";
constexpr std::string_view kBefore2 = ", NULL, 0, '', 0, '', '', '', '', 0";

// All of kRunColumns. `counters`: the run's, as text; it must outlive the statement.
void bind_run(Statement& row, const model::Run& run, const std::optional<std::string>& counters) {
  row.bind(run.session).bind(run.parent).bind(run.pid).bind(run.state);
  row.bind(storable(run.reason)).bind(storable(run.executable));
  row.bind(run.isa).bind(run.page_size).bind(run.mode).bind(run.near).bind(storable(run.version));
  row.bind(run.started).bind(run.ended).bind(run.exit_code).bind(run.signal).bind(run.fork_time);
  if (run.window) {
    row.bind(run.window->range.begin.value).bind(run.window->range.end.value);
    row.bind(run.window->anchor.begin.value).bind(run.window->anchor.end.value);
    row.bind(run.window->reserved);
  } else {
    for (int i = 0; i < 5; ++i) row.bind_null();
  }
  if (counters) {
    row.bind(std::string_view(*counters));
  } else {
    row.bind_null();
  }
  row.bind(run.has_ring).bind(run.recorded).bind(run.position).bind(run.dropped).bind(run.torn);
  row.bind(run.texts_lost).bind(run.filter_arrived).bind(run.samples).bind(storable(run.verdict));
  row.bind(run.uid).bind(run.identity).bind(storable(run.boot)).bind(run.start_ticks);
  row.bind(storable(run.unit)).bind(storable(run.container)).bind(storable(run.slurm_job));
  row.bind(storable(run.label)).bind(run.placed_before);
}

// A row of id and kRunColumns.
model::Run read_run(Statement& row) {
  model::Run run;
  run.id = row.number();
  run.session = row.number();
  run.parent = row.maybe_number();
  run.pid = narrow<std::uint32_t>(row.number());
  run.state = enumerator(row.number(), before(model::RunState::kCount), model::RunState::kRunning);
  run.reason = text(row);
  run.executable = text(row);
  run.isa = enumerator(row.number(), before(Isa::kCount), Isa::kUnknown);
  run.page_size = narrow<std::uint32_t>(row.number());
  run.mode = enumerator(row.number(), Mode::kScatter, Mode::kAuto);
  run.near = enumerator(row.number(), Near::kAddress, Near::kAuto);
  run.version = text(row);
  run.started = row.number();
  run.ended = row.maybe_number();
  run.exit_code = maybe_int(row);
  run.signal = maybe_int(row);
  run.fork_time = row.word();
  const bool windowed = !row.null();
  model::WindowInfo window;
  window.range.begin = Address{row.word()};
  window.range.end = Address{row.word()};
  window.anchor.begin = Address{row.word()};
  window.anchor.end = Address{row.word()};
  window.reserved = row.number() != 0;
  if (windowed) run.window = window;
  run.counters = counters_of(row.text());
  run.has_ring = row.number() != 0;
  run.recorded = row.word();
  run.position = row.word();
  run.dropped = row.word();
  run.torn = row.word();
  run.texts_lost = row.word();
  run.filter_arrived = row.number() != 0;
  run.samples = narrow<std::uint32_t>(row.number());
  run.verdict = text(row);
  if (const auto uid = row.maybe_number(); uid && fits<std::uint32_t>(*uid))
    run.uid = static_cast<std::uint32_t>(*uid);
  run.identity = row.word();
  run.boot = text(row);
  run.start_ticks = row.word();
  run.unit = text(row);
  run.container = text(row);
  run.slurm_job = text(row);
  run.label = text(row);
  run.placed_before = row.word();
  return run;
}

// The columns as this database has them: those of version 1 when it is read where it can't be
// migrated.
std::string columns_of(bool is_old) {
  std::string columns(kRunColumns);
  if (is_old) columns.replace(columns.size() - kSince2.size(), kSince2.size(), kBefore2);
  return columns;
}

enum class By { kId, kSession, kLiving, kPid };

// The SQL texts made of kRunColumns; they live as long as the program, as Connection::prepare
// wants.
std::string_view select_run(Connection& connection, By by) {
  static const auto texts = [] {
    std::array<std::array<std::string, 4>, 2> all;
    constexpr const char* kWhere[] = {"id = ?", "session = ? ORDER BY started, id",
                                      "state = 0 ORDER BY id", "pid = ? ORDER BY id DESC"};
    for (const bool is_old : {false, true})
      for (std::size_t i = 0; i < all[is_old].size(); ++i)
        all[is_old][i] = "SELECT id, " + columns_of(is_old) + " FROM run WHERE " + kWhere[i];
    return all;
  }();
  const bool is_old = connection.number("PRAGMA user_version") < 2;
  return texts[is_old][static_cast<std::size_t>(by)];
}

std::vector<model::Run> read_runs(Statement& row) {
  std::vector<model::Run> runs;
  while (row.step()) runs.push_back(read_run(row));
  return runs;
}

std::string marks() {
  std::string list = "?";
  for (const char c : kRunColumns)
    if (c == ',') list += ",?";
  return list;
}

}  // namespace

model::RunId insert(Connection& connection, const model::Run& run) {
  static const std::string sql =
      "INSERT INTO run(" + std::string(kRunColumns) + ") VALUES(" + marks() + ")";
  const auto counters = run.counters ? std::optional(text_of(*run.counters)) : std::nullopt;
  Statement row = connection.prepare(sql);
  bind_run(row, run, counters);
  row.run();
  return sqlite3_last_insert_rowid(connection.handle());
}

void update(Connection& connection, const model::Run& run) {
  static const std::string sql =
      "UPDATE run SET (" + std::string(kRunColumns) + ") = (" + marks() + ") WHERE id = ?";
  const auto counters = run.counters ? std::optional(text_of(*run.counters)) : std::nullopt;
  Statement row = connection.prepare(sql);
  bind_run(row, run, counters);
  row.bind(run.id).run();
  expect_change(connection, "run", run.id);
}

std::vector<model::Run> load_runs(Connection& connection, model::SessionId session) {
  Statement row = connection.prepare(select_run(connection, By::kSession));
  row.bind(session);
  return read_runs(row);
}

std::optional<model::Run> load_run(Connection& connection, model::RunId id) {
  Statement row = connection.prepare(select_run(connection, By::kId));
  if (!row.bind(id).step()) return std::nullopt;
  return read_run(row);
}

std::vector<model::Run> load_living(Connection& connection) {
  Statement row = connection.prepare(select_run(connection, By::kLiving));
  return read_runs(row);
}

std::vector<model::Run> load_runs_of_pid(Connection& connection, std::uint32_t pid) {
  Statement row = connection.prepare(select_run(connection, By::kPid));
  row.bind(pid);
  return read_runs(row);
}

}  // namespace jitcorral::store
