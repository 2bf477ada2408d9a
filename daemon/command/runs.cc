#include <fmt/format.h>
#include <unistd.h>

#include <stdexcept>

#include "command/commands.h"
#include "command/open_database.h"
#include "command/output.h"

namespace jitcorral::command {

int runs(const RunsOptions& options) try {
  const store::Database database = open_database(options.db);
  std::vector<model::Session> sessions = database.sessions();
  if (sessions.empty() && !options.json)
    return fail(fmt::format("{} holds no session yet: make one with `jitcorral run{} -- CMD`",
                            database.path(), db_option(options.db)));
  const std::size_t all = sessions.size();
  if (options.most != 0 && all > options.most) sessions.resize(options.most);
  std::vector<show::Listed> listed;
  for (model::Session& session : sessions) {
    std::vector<model::Run> of_session = database.runs(session.id);
    listed.push_back({std::move(session), std::move(of_session)});
  }
  if (options.json) return print(show::dump(show::listing_json(listed)));
  std::string text = show::listing(listed, text_options(STDOUT_FILENO));
  if (listed.size() < all)
    text += fmt::format("\n{} older sessions are not shown: -n 0 shows all\n", all - listed.size());
  return print(text);
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command
