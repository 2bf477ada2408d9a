#include <fmt/format.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "collect/ring_file.h"
#include "command/choose_run.h"
#include "command/commands.h"
#include "command/load.h"
#include "command/open_database.h"
#include "command/output.h"
#include "command/output_file.h"
#include "command/report_run.h"
#include "command/share_whom.h"

namespace jitcorral::command {
namespace {

struct Loaded {
  std::optional<model::Session> session;
  std::vector<show::Detailed> runs;  // for a page
  std::vector<show::Shown> brief;    // for all else
  std::string again = "jitcorral report";
};

std::runtime_error no_session(const store::Database& database, const std::string& db) {
  return std::runtime_error(
      fmt::format("{} holds no session yet: make one with `jitcorral run{} -- CMD`",
                  database.path(), db_option(db)));
}

// What there is instead of the run that was asked for.
std::string existing_runs(const store::Database& database) {
  std::optional<model::RunId> least, most;
  for (const model::Session& session : database.sessions()) {
    for (const model::Run& run : database.runs(session.id)) {
      least = std::min(least.value_or(run.id), run.id);
      most = std::max(most.value_or(run.id), run.id);
    }
  }
  if (!least) return "it has none";
  if (*least == *most) return fmt::format("it has run {} only", *least);
  return fmt::format("it has runs {} to {}", *least, *most);
}

void fill(Loaded& loaded, const ReportOptions& options, const store::Database& database,
          std::span<const model::Run> runs) {
  if (options.html.empty())
    loaded.brief = load(database, runs);
  else
    loaded.runs = load_detailed(database, runs);
}

void fill_one(Loaded& loaded, const ReportOptions& options, const store::Database& database,
              const model::Run& run) {
  loaded.session = database.session(run.session);
  fill(loaded, options, database, std::span(&run, 1));
  loaded.again += fmt::format(" --run {}", run.id);
}

Loaded from_database(const ReportOptions& options) {
  if (options.run && options.db.empty()) {
    if (const auto chosen = ask_daemon_for({Which::Kind::kRun, *options.run})) {
      Loaded loaded;
      fill_one(loaded, options, chosen->database, chosen->choice.run);
      return loaded;
    }
  }
  const store::Database database = open_database(options.db);
  Loaded loaded;
  loaded.again += db_option(options.db);
  if (options.run) {
    const auto run = database.run(*options.run);
    if (!run)
      throw std::runtime_error(fmt::format("no run {} in {}: {}; `jitcorral runs{}` lists them",
                                           *options.run, database.path(), existing_runs(database),
                                           db_option(options.db)));
    fill_one(loaded, options, database, *run);
    return loaded;
  }
  const auto latest = database.latest_session();
  if (!latest) throw no_session(database, options.db);
  loaded.session = database.session(*latest);
  fill(loaded, options, database, database.runs(*latest));
  return loaded;
}

Loaded from_ring(const ReportOptions& options) {
  model::Record record = collect::read_ring_file(options.ring);
  Loaded loaded;
  loaded.again += ' ' + options.ring;
  show::Detailed run = detailed(std::move(record));
  if (options.html.empty())
    loaded.brief.push_back(std::move(run.shown));
  else
    loaded.runs.push_back(std::move(run));
  return loaded;
}

void leave_out_names(Loaded& loaded) {
  std::vector<std::uint32_t> users;
  for (const show::Shown& shown : loaded.brief)
    if (shown.run.uid) users.push_back(*shown.run.uid);
  for (const show::Detailed& run : loaded.runs)
    if (run.shown.run.uid) users.push_back(*run.shown.run.uid);
  show::Sharing sharing = share_whom(users);
  show::share(sharing, loaded.session ? &*loaded.session : nullptr, loaded.brief, loaded.runs);
  loaded.again = sharing.text(loaded.again);
}

show::PageOptions page_options() {
  show::PageOptions options;
  unsigned char random[16];
  if (getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random))
    throw std::runtime_error("the kernel gave no random bytes, which the page's policy needs");
  for (const unsigned char byte : random) options.nonce += fmt::format("{:02x}", byte);
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  options.made = now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
  return options;
}

int say(Loaded loaded, const ReportOptions& options) {
  if (options.share) leave_out_names(loaded);
  const model::Session* const session = loaded.session ? &*loaded.session : nullptr;
  if (!options.html.empty()) {
    if (const int failed =
            write_file(options.html, show::html(session, loaded.runs, page_options())))
      return failed;
    for (show::Detailed& run : loaded.runs) loaded.brief.push_back(std::move(run.shown));
    return options.check ? check_status(loaded.brief) : 0;
  }
  std::string text;
  if (options.json) {
    text = show::dump(show::json(session, loaded.brief));
  } else {
    show::TextOptions how = text_options(STDOUT_FILENO);
    how.again = loaded.again;
    text = show::text(session, loaded.brief, how);
  }
  if (const int failed = print(text)) return failed;
  return options.check ? check_status(loaded.brief) : 0;
}

}  // namespace

int report_run(const store::Database& database, const model::Run& run, const ReportOptions& options,
               const std::string& again) {
  Loaded loaded;
  fill_one(loaded, options, database, run);
  loaded.again = again;
  return say(std::move(loaded), options);
}

int report(const ReportOptions& options) try {
  return say(options.ring.empty() ? from_database(options) : from_ring(options), options);
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command
