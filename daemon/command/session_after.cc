#include "command/session_after.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "command/commands.h"
#include "command/load.h"
#include "command/output.h"

namespace jitcorral::command {
namespace {

// What our arguments say is over: who looks for processes is told what this one is.
void set_title(const std::string& title) {
  prctl(PR_SET_NAME, "jitcorral-after");
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string old{std::istreambuf_iterator<char>(file), {}};
  if (old.empty() || !old.starts_with(program_invocation_name)) return;
  std::memset(program_invocation_name, 0, old.size());
  std::memcpy(program_invocation_name, title.data(), std::min(title.size(), old.size() - 1));
}

// No terminal, no pipe that somebody waits for the end of, no folder that is to be unmounted.
void detach(const std::vector<int>& needed) {
  setsid();
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN);
  std::vector<int> others;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::atoi(entry.path().filename().c_str());
    if (std::find(needed.begin(), needed.end(), fd) == needed.end()) others.push_back(fd);
  }
  for (const int fd : others) close(fd);
  const int null = open("/dev/null", O_RDWR);  // number 0
  for (int stream = null + 1; null >= 0 && stream <= 2; ++stream) dup2(null, stream);
  if (chdir("/") != 0) throw std::runtime_error("/");
}

// Told to end (a machine that is shut down), it leaves what is not ended as it is.
collect::Descriptor heard_of_term() {
  sigset_t all, term;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  return collect::Descriptor(signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK));
}

void judge(collect::Collector& collector) {
  std::vector<model::Run> closed;
  for (const model::RunId id : collector.take_closed())
    if (auto run = collector.database()->run(id)) closed.push_back(*std::move(run));
  std::vector<model::Run> judged;
  for (show::Shown& shown : load(*collector.database(), closed)) {
    shown.run.verdict = analyze::kVerdictNames[static_cast<std::size_t>(shown.report.verdict)];
    judged.push_back(std::move(shown.run));
  }
  if (!judged.empty()) collector.keep_verdicts(judged);
}

void follow_to_their_ends(collect::Collector& collector, collect::Listener& listener) {
  constexpr int kAwaiting = 5, kStarved = 50;
  const collect::Descriptor told_to_end = heard_of_term();
  for (;;) {
    // Asked before its message is looked for: who is gone has said all.
    const bool some = collector.follows();
    collector.receive(listener);
    int sleep = static_cast<int>(collector.look().count());
    if (!some && !collector.follows()) break;
    if (listener.is_awaiting()) sleep = std::min(sleep, kAwaiting);
    if (listener.is_starved()) sleep = std::min(sleep, kStarved);
    std::vector<pollfd> entries = {{told_to_end.get(), POLLIN, 0},
                                   {listener.is_starved() ? -1 : listener.fd(), POLLIN, 0}};
    for (const int pidfd : collector.pidfds()) entries.push_back({pidfd, POLLIN, 0});
    poll(entries.data(), entries.size(), sleep);
    if ((entries[0].revents & POLLIN) == 0) continue;
    collector.receive(listener);
    collector.look();
    break;
  }
  judge(collector);  // not before: it takes its time, and rings run over
}

[[noreturn]] void be_heir(collect::Collector& collector, collect::Listener& listener,
                          const std::string& database) {
  int status = kFailed;
  listener.be_heir();
  try {
    std::vector<int> needed = listener.descriptors();
    const std::vector<int> pidfds = collector.pidfds();
    needed.insert(needed.end(), pidfds.begin(), pidfds.end());
    detach(needed);
    set_title("jitcorral: follows what outlived its run, into " + database);
    collector.open_database(database);
    collector.go_on();
    follow_to_their_ends(collector, listener);
    collector.close_database();
    status = 0;
  } catch (const std::exception&) {  // nobody is there to be told
  }
  listener.~Listener();  // the socket and its folder
  _exit(status);
}

}  // namespace

std::vector<model::RunId> hand_over(collect::Collector& collector, collect::Listener& listener) {
  std::vector<model::RunId> runs = collector.open_runs();
  // The heir has another current folder.
  const std::string database = std::filesystem::absolute(collector.database()->path());
  collector.close_database();
  const pid_t heir = fork();
  if (heir == 0) be_heir(collector, listener, database);
  if (heir > 0) {
    listener.leave_to_heir();
  } else {
    fail(fmt::format("{}: what goes on is recorded no further", std::strerror(errno)));
    runs.clear();
  }
  try {
    collector.open_database(database);
  } catch (const std::exception& problem) {
    fail(problem.what());
  }
  return runs;
}

}  // namespace jitcorral::command
