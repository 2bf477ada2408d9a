#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "command/commands.h"
#include "command/daemon_client.h"
#include "command/open_database.h"
#include "command/output.h"

namespace jitcorral::command {
namespace {

bool is_by_daemon(const model::Session& session) {
  return session.command == model::kDaemonCommand && !session.status;
}

// The latest `most` sessions; of a daemon's, which has one a boot, the latest `most` runs.
std::vector<show::Listed> latest(const store::Database& database, std::uint64_t most) {
  std::vector<show::Listed> listed;
  for (model::Session& session : database.sessions()) {
    if (most != 0 && listed.size() == most) break;
    std::vector<model::Run> runs = database.runs(session.id);
    const bool by_daemon = is_by_daemon(session);
    if (by_daemon && most != 0 && runs.size() > most)
      runs.erase(runs.begin(), runs.end() - static_cast<std::ptrdiff_t>(most));
    listed.push_back({std::move(session), std::move(runs), by_daemon});
  }
  return listed;
}

std::vector<show::Listed> of_daemon(std::uint64_t most) {
  model::Query query;
  query.what = model::Query::What::kLatest;
  query.number = static_cast<std::int64_t>(std::min<std::uint64_t>(most, INT64_MAX));
  query.rows_only = 1;
  const std::optional<store::Database> database = ask_daemon(query);
  return database ? latest(*database, most) : std::vector<show::Listed>();
}

bool is_there(const std::string& path) {
  struct stat info = {};
  return !path.empty() && stat(path.c_str(), &info) == 0;
}

}  // namespace

int runs(const RunsOptions& options) try {
  std::vector<show::Listed> listed;
  if (options.db.empty()) listed = of_daemon(options.most);
  const bool by_daemon = !listed.empty();
  std::string hint;
  // Without a file, and with a daemon, there is nothing to say of the file.
  if (!by_daemon || is_there(default_database())) {
    const store::Database database = open_database(options.db);
    const std::size_t all = database.sessions().size();
    if (all == 0 && !by_daemon && !options.json)
      return fail(fmt::format("{} holds no session yet: make one with `jitcorral run{} -- CMD`",
                              database.path(), db_option(options.db)));
    std::vector<show::Listed> more = latest(database, options.most);
    if (more.size() < all)
      hint = fmt::format("\n{} older sessions are not shown: -n 0 shows all\n", all - more.size());
    if (by_daemon && !more.empty())
      hint +=
          fmt::format("\nA number is a run of the daemon's first; of `jitcorral run`'s with{}\n",
                      db_option(database.path()));
    std::move(more.begin(), more.end(), std::back_inserter(listed));
  }
  if (options.json) return print(show::dump(show::listing_json(listed)));
  return print(show::listing(listed, text_options(STDOUT_FILENO)) + hint);
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command
