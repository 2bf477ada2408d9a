#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "command/commands.h"
#include "command/load.h"
#include "command/open_database.h"
#include "command/output.h"
#include "command/run_repeat.h"
#include "command/session.h"
#include "command/shim_file.h"

namespace jitcorral::command {
namespace {

void write_report(const SessionResult& result, const std::string& db) {
  show::TextOptions how = text_options(STDERR_FILENO);
  how.again = "jitcorral report" + db_option(db);
  std::string text = show::text(&*result.session, result.runs, how);
  if (const auto& on = result.followed_on; !on.empty())
    text += fmt::format(
        "\n{} not seen to end: a detached recorder goes on; later: {} --run {}\n",
        on.size() == 1 ? fmt::format("run {} was", on[0]) : fmt::format("{} runs were", on.size()),
        how.again, on[0]);
  write_all(STDERR_FILENO, text);
}

// False: it was said why not.
bool write_json(const SessionResult& result, const std::string& path) {
  const std::string text =
      show::dump(show::json(result.session ? &*result.session : nullptr, result.runs));
  const int fd = path == "-" ? STDOUT_FILENO
                             : open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && write_all(fd, text);
  const int error = errno;
  if (fd >= 0 && path != "-") close(fd);
  if (!written) fail(fmt::format("--json {}: {}", path, std::strerror(error)));
  return written;
}

}  // namespace

SessionPlan plan_of(const RunOptions& options) {
  SessionPlan plan;
  plan.command = options.command;
  plan.shim = options.shim.empty() ? find_shim() : options.shim;
  plan.db = options.db;
  plan.keep_arguments = options.keep_arguments;
  plan.environment = options.set;
  if (!options.policy.empty()) plan.environment.push_back("JITCORRAL_POLICY=" + options.policy);
  if (plan.shim.empty()) {
    fail(
        "libjitcorral.so was not found beside this command; name it by --shim FILE; the command "
        "runs without it, and nothing is recorded");
  } else if (access(plan.shim.c_str(), R_OK) != 0) {
    fail(fmt::format("--shim {}: {}; the command runs without it, and nothing is recorded",
                     plan.shim, std::strerror(errno)));
    plan.shim.clear();
  } else if (plan.shim.find_first_of(" :") != std::string::npos) {
    fail(
        fmt::format("{}: the dynamic linker takes no path with a blank or a colon; the command "
                    "runs without it, and nothing is recorded",
                    plan.shim));
    plan.shim.clear();
  }
  return plan;
}

int run(const RunOptions& options) {
  const SessionPlan plan = plan_of(options);
  if (options.repeat != 0) return run_repeatedly(options, plan);
  const SessionResult result = run_session(plan);
  if (!result.ended.started) return result.ended.status;
  bool done = true;
  if (options.report && result.session)
    write_report(result, options.db.empty() ? std::string() : options.db);
  if (!options.json.empty()) done = write_json(result, options.json);
  if (result.ended.status != 0) return result.ended.status;
  if (options.check) return result.session ? check_status(result.runs) : kUnknown;
  return done ? 0 : kFailed;
}

}  // namespace jitcorral::command
