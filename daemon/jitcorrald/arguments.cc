#include "arguments.h"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "metrics/address.h"

namespace jitcorral {
namespace {

constexpr const char* kAbout =
    "jitcorrald records every process that runs under libjitcorral.so: where its JIT mappings lie, "
    "and\n"
    "whether they reach each other. Read what it recorded with jitcorral ps, show, explain, "
    "report.";
constexpr const char* kExamples = R"(
Paths that are not given: as root those of the machine (/run/jitcorral/socket, /run/jitcorral/query,
/run/jitcorral/metrics, /var/lib/jitcorral/placements.db; /etc/jitcorral/jitcorrald.conf), else those of
the user ($XDG_RUNTIME_DIR/jitcorral/..., ${XDG_STATE_HOME:-~/.local/state}/jitcorral/daemon.db).
Signals: SIGHUP reads the configuration anew (limits, retention, log level); SIGTERM stops. Rings of
processes that go on are kept for the next start.

Exit status: 0 stopped when told to; 1 could not begin, one line says why; 2 bad usage.

Examples:
  jitcorrald                                        for this user, in the foreground
  jitcorrald --retain-days 7 --retain-size 500M     less to keep
  curl --unix-socket /run/jitcorral/metrics http://localhost/metrics
)";

struct Defaults {
  std::string runtime, database, configuration;
  bool for_everyone = false;
};

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value == '/' ? value : "";
}

Defaults defaults(bool of_user) {
  // What systemd made for the service comes first; then a machine's, then a user's.
  Defaults d;
  const std::string state = from_environment("STATE_DIRECTORY");
  const std::string runtime = from_environment("RUNTIME_DIRECTORY");
  const bool is_machine = !of_user && (geteuid() == 0 || state.starts_with("/var/") ||
                                       runtime.starts_with("/run/jitcorral"));
  if (is_machine) {
    d.runtime = "/run/jitcorral";
    d.database = (state.empty() ? "/var/lib/jitcorral" : state) + "/placements.db";
    d.configuration = "/etc/jitcorral/jitcorrald.conf";
    d.for_everyone = true;
    return d;
  }
  const std::string run = from_environment("XDG_RUNTIME_DIR");
  d.runtime = !run.empty() ? run + "/jitcorral" : "/tmp/jitcorral-" + std::to_string(geteuid());
  std::string place = from_environment("XDG_STATE_HOME");
  if (place.empty()) place = from_environment("HOME") + "/.local/state";
  d.database = (state.empty() ? place + "/jitcorral" : state) + "/daemon.db";
  std::string settings = from_environment("XDG_CONFIG_HOME");
  if (settings.empty()) settings = from_environment("HOME") + "/.config";
  d.configuration = settings + "/jitcorral/jitcorrald.conf";
  return d;
}

[[noreturn]] void not_accepted(const std::string& name, const std::string& value,
                               const std::string& accepted) {
  throw UsageError("--" + name + ": '" + value + "' is not accepted; accepted: " + accepted);
}

// "500M", "2G", "0".
std::uint64_t size_of(const std::string& text) {
  std::size_t end = 0;
  unsigned long long number = 0;
  try {
    if (!text.empty() && text[0] != '-') number = std::stoull(text, &end);
  } catch (const std::exception&) {
    end = 0;
  }
  const std::string unit = text.substr(end);
  const unsigned shift = unit == "K"   ? 10
                         : unit == "M" ? 20
                         : unit == "G" ? 30
                         : unit == "T" ? 40
                                       : 0;
  if (end == 0 || (shift == 0 && !unit.empty()) || number > (UINT64_MAX >> shift))
    not_accepted("retain-size", text, "a whole number with K, M, G or T; 0: no bound");
  return number << shift;
}

}  // namespace

Asked parse(int argc, const char* const* argv) {
  const std::vector<std::string> given(argv + (argc > 0 ? 1 : 0), argv + argc);
  // First: where the configuration lies depends on it.
  const bool of_user = std::find(given.begin(), given.end(), "--user") != given.end();
  const Defaults d = defaults(of_user);
  serve::Options options;
  options.socket = d.runtime + "/socket";
  options.query = d.runtime + "/query";
  options.metrics = "unix:" + d.runtime + "/metrics";
  options.database = d.database;
  options.for_everyone = d.for_everyone;
  Hold hold;
  std::string retain_size = "2G";
  bool foreground = false, version = false, only_own = false, user = false;

  CLI::App app(kAbout, "jitcorrald");
  app.footer(kExamples);
  app.set_help_flag("--help", "this text");
  app.add_flag("--version", version, "its version")->configurable(false);
  app.add_flag("--foreground", foreground, "stay in the foreground (the only mode)")
      ->configurable(false);
  app.add_flag("--user", user, "the daemon of one user, also if that is root: paths of the user's")
      ->configurable(false);
  app.add_option("--socket", options.socket, "where processes say hello");
  app.add_option("--query", options.query, "where readers ask");
  app.add_option("--metrics", options.metrics,
                 "Prometheus metrics over HTTP: unix:PATH, 127.0.0.1:PORT, [::1]:PORT or off");
  app.add_option("--db", options.database, "the database");
  app.add_flag("--only-own", only_own, "take processes of this user and root only, also as root");
  app.add_option("--retain-days", options.retain_days,
                 "delete runs that ended that many days ago; 0: never (30)");
  app.add_option("--retain-size", retain_size,
                 "keep the database below this size; 0: no bound (2G)");
  app.add_option("--rings-per-user", options.rings_per_user,
                 "most processes of one user at a time (2048)");
  app.add_option(
      "--events-per-second", options.events_per_second,
      "of one user; more waits in its rings, and is counted as dropped when they fill (2000000)");
  app.add_option("--log-level", options.log_level, "debug, info, warn or error (info)");
  app.add_option("--hold", hold.path)->group("")->configurable(false);
  app.add_option("--ready", hold.ready)->group("")->configurable(false);
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_config("--config", "", "read options from this file (" + d.configuration + ")");

  std::vector<std::string> arguments = given;
  const auto names_file = [](const std::string& a) { return a.starts_with("--config"); };
  struct stat there = {};
  if (std::none_of(arguments.begin(), arguments.end(), names_file) &&
      stat(d.configuration.c_str(), &there) == 0)
    arguments.insert(arguments.begin(), "--config=" + d.configuration);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::ParseError& error) {
    std::string line = error.what();
    for (char& c : line)
      if (c == '\n') c = ' ';
    throw UsageError(line + "; jitcorrald --help lists what is accepted");
  }
  if (version) return std::string("jitcorrald " JITCORRAL_VERSION "\n");
  if (!hold.path.empty()) return hold;
  options.retain_bytes = size_of(retain_size);
  if (only_own) options.for_everyone = false;
  if (options.rings_per_user == 0) not_accepted("rings-per-user", "0", "1 or more");
  if (options.events_per_second == 0) not_accepted("events-per-second", "0", "1 or more");
  try {
    if (options.metrics != "off") metrics::check_address(options.metrics);
  } catch (const metrics::AddressError& error) {
    throw UsageError(std::string("--metrics: ") + error.what());
  }
  const std::string& level = options.log_level;
  if (level != "debug" && level != "info" && level != "warn" && level != "error")
    not_accepted("log-level", level, "debug, info, warn or error");
  for (const std::string* path : {&options.socket, &options.query, &options.database})
    if (path->empty() || path->front() != '/')
      not_accepted("socket, --query, --db", *path, "an absolute path");
  return options;
}

}  // namespace jitcorral
