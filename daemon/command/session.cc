#include "command/session.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "collect/collector.h"
#include "collect/fill_in.h"
#include "command/load.h"
#include "command/output.h"
#include "command/session_after.h"
#include "command/session_child.h"
#include "command/session_place.h"

namespace jitcorral::command {
namespace {

void say(const std::string& line) {
  fail(line);
}

model::Session describe(const SessionPlan& plan) {
  model::Session session;
  session.started = collect::wall_time_now();
  session.command = plan.keep_arguments
                        ? nlohmann::json(plan.command)
                              .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)
                        : std::filesystem::path(plan.command[0]).filename().string();
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  session.host = host;
  session.version = JITCORRAL_VERSION;
  return session;
}

// The recording side of a session; everything in it may be missing.
struct Recording {
  std::optional<collect::Listener> listener;
  std::optional<collect::Collector> collector;
  std::string why_not;
  bool said_starved = false;

  void receive() {
    collector->receive(*listener);
    if (listener->is_starved() && !said_starved) {
      say("no descriptor is left (ulimit -n): processes go unrecorded until some end");
      said_starved = true;
    }
  }
  // How many milliseconds nothing has to be looked at.
  int look() {
    constexpr int kAwaiting = 5, kStarved = 50;
    int sleep = static_cast<int>(collector->look().count());
    if (listener->is_awaiting()) sleep = std::min(sleep, kAwaiting);
    if (listener->is_starved()) sleep = std::min(sleep, kStarved);
    return sleep;
  }

  void listen() {
    const bool for_everyone = geteuid() == 0;  // the command may change its user
    const std::vector<std::string> parents = socket_parents(for_everyone);
    for (const std::string& parent : parents) {
      try {
        listener.emplace(parent, for_everyone);
        return;
      } catch (const std::exception&) {
        if (parent == parents.back()) throw;
      }
    }
  }

  void give_up(const std::string& why) {
    collector.reset();
    listener.reset();
    why_not = why;
    say(why + "; nothing is recorded");
  }

  void begin(const SessionPlan& plan) {
    Place place = open_place(plan.db);
    if (!place.note.empty()) say(place.note);
    if (!place.database) {
      why_not = place.note;
      return;
    }
    try {
      listen();
      collector.emplace(plan.shim, say);
      collector->store_into(*std::move(place.database), describe(plan));
    } catch (const std::exception& problem) {
      give_up(problem.what());
    }
  }
};

std::vector<std::string> environment_of(const SessionPlan& plan, const Recording& recording) {
  std::vector<std::string> settings;
  if (plan.shim.empty()) return plan.environment;
  const char* others = std::getenv("LD_PRELOAD");
  settings.push_back("LD_PRELOAD=" + plan.shim +
                     (others != nullptr && *others != '\0' ? std::string(":") + others : ""));
  if (recording.listener) {
    const unsigned filters = collect::proc::seccomp_filters(0);
    settings.push_back("JITCORRAL_RECORD=unix:" + recording.listener->path() +
                       (filters != 0 ? fmt::format(",filters={}", filters) : ""));
  }
  settings.insert(settings.end(), plan.environment.begin(), plan.environment.end());
  return settings;
}

Ended from_status(int status) {
  Ended ended;
  ended.started = true;
  if (WIFSIGNALED(status)) {
    ended.signal = WTERMSIG(status);
    ended.status = 128 + *ended.signal;
  } else {
    ended.status = WEXITSTATUS(status);
  }
  return ended;
}

// What waitpid has to say; the command's wait status once it has ended.
std::optional<int> child_news(pid_t child) {
  int status = 0;
  const pid_t who = waitpid(child, &status, WNOHANG | WUNTRACED);
  if (who != child) return std::nullopt;
  if (!WIFSTOPPED(status)) return status;
  // A terminal's stop is for the whole job: the shell sees us stop, as it would see the command,
  // and will continue both. Another stop is between the command and who sent it.
  const int signal = WSTOPSIG(status);
  if (signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) kill(getpid(), SIGSTOP);
  return std::nullopt;
}

bool ends(int signal) {
  return signal == SIGINT || signal == SIGQUIT || signal == SIGTERM || signal == SIGHUP;
}

int wait_for(pid_t child, const SignalState& signals, Recording& recording,
             std::optional<int>& told_to_end) {
  const collect::Descriptor heard(signalfd(-1, &signals.heard(), SFD_CLOEXEC | SFD_NONBLOCK));
  const collect::Descriptor ended(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  int sleep = 0;
  for (;;) {
    const bool listens = recording.listener && !recording.listener->is_starved();
    pollfd entries[] = {{heard.get(), POLLIN, 0},
                        {listens ? recording.listener->fd() : -1, POLLIN, 0}};
    poll(entries, 2, sleep);
    signalfd_siginfo info = {};
    bool may_be_over = !heard;
    while (heard && read(heard.get(), &info, sizeof info) == sizeof info) {
      const int signal = static_cast<int>(info.ssi_signo);
      may_be_over |= signal == SIGCHLD;
      if (ends(signal)) told_to_end = signal;
      hand_on(signal, info.ssi_code == SI_KERNEL, child);
    }
    if (recording.collector) recording.receive();
    if (may_be_over) {
      if (const auto status = child_news(child)) return *status;
    }
    sleep = recording.collector ? recording.look() : heard ? -1 : 50;
  }
}

// Starts the command, with less and less around it until it runs: without a record where no
// descriptor is left for it, and without us where no process can be had. The errno of its exec.
int start(const SessionPlan& plan, const SignalState& signals, const DescriptorLimit& limit,
          Recording& recording, pid_t& child) {
  const auto child_plan = [&] {
    return ChildPlan{plan.command, environment_of(plan, recording), plan.input, plan.output,
                     plan.errors};
  };
  int error = start_child(child_plan(), signals, limit, child);
  if (child >= 0 || error == 0) return error;
  if (recording.collector) {
    recording.give_up(std::strerror(error));
    error = start_child(child_plan(), signals, limit, child);
    if (child >= 0 || error == 0) return error;
  }
  say(fmt::format("{}: the command runs in place of this one", std::strerror(error)));
  return become_command(child_plan(), signals, limit);
}

}  // namespace

SessionResult run_session(const SessionPlan& plan) {
  SessionResult result;
  // First, and gone last: recording must cost the command nothing.
  const SignalState signals;
  const DescriptorLimit limit;
  Recording recording;
  const std::string found = find_command(plan.command[0]);
  std::error_code ignored;
  const std::string executable = std::filesystem::canonical(found, ignored).string();
  if (!plan.shim.empty() && !found.empty()) recording.begin(plan);

  pid_t child = 0;
  if (const int error = start(plan, signals, limit, recording, child); error != 0) {
    // A folder of PATH that may not be entered makes execvp say EACCES of what is nowhere.
    const bool is_missing = error == ENOENT || (error == EACCES && found.empty());
    result.ended.status = is_missing ? 127 : 126;
    say(fmt::format("{}: {}", plan.command[0],
                    is_missing && found.empty() ? "not found in PATH" : std::strerror(error)));
    if (recording.collector) recording.collector->finish(result.ended.status);
    return result;
  }
  result.why_not = recording.why_not;
  if (recording.collector) recording.collector->follow(child, executable);
  std::optional<int> told_to_end;
  const int status = wait_for(child, signals, recording, told_to_end);
  result.ended = from_status(status);
  result.ended.told_to_end = told_to_end;
  if (!recording.collector) return result;

  collect::Collector& collector = *recording.collector;
  collector.command_ended(status);
  recording.receive();
  collector.look();
  collector.adopt(
      collect::proc::started_with("JITCORRAL_RECORD=unix:" + recording.listener->path()));
  // Asked before what they say is taken: who is gone by then has said all.
  const bool some_go_on = collector.follows();
  recording.receive();
  collector.look();
  collector.finish(result.ended.status);
  if (collector.is_failing()) {
    result.why_not = "the database could not be written";
    return result;
  }
  result.session = collector.session();
  result.database = collector.database()->path();
  if (some_go_on || collector.follows())
    result.followed_on = hand_over(collector, *recording.listener);
  if (collector.database() == nullptr) return result;
  try {
    const store::Database& database = *collector.database();
    result.runs = load(database, database.runs(collector.session().id));
    std::vector<model::Run> rows;
    for (show::Shown& shown : result.runs) {
      shown.run.verdict = analyze::kVerdictNames[static_cast<std::size_t>(shown.report.verdict)];
      const auto& others = result.followed_on;  // whose rows the detached recorder writes
      if (std::find(others.begin(), others.end(), shown.run.id) == others.end())
        rows.push_back(shown.run);
    }
    collector.keep_verdicts(rows);
  } catch (const std::exception& problem) {
    say(problem.what());
  }
  return result;
}

}  // namespace jitcorral::command
