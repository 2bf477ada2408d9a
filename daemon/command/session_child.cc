#include "command/session_child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace jitcorral::command {
namespace {

// What a user or a service manager sends to the process that it started. SIGWINCH, SIGTTIN and
// SIGTTOU concern the terminal's group, which the command is in.
constexpr int kHeard[] = {SIGCHLD, SIGINT,  SIGQUIT, SIGTERM, SIGHUP,
                          SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGTSTP};

void put_into_environment(const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    setenv(setting.substr(0, equals).c_str(), setting.c_str() + equals + 1, 1);
  }
}

// From here on only what the command would find. Returns the errno of its exec.
int become(const ChildPlan& plan, const SignalState& signals, const DescriptorLimit& limit) {
  signals.restore();
  limit.restore();
  const int streams[] = {plan.input, plan.output, plan.errors};
  for (int stream = 0; stream < 3; ++stream)
    if (streams[stream] >= 0) dup2(streams[stream], stream);
  put_into_environment(plan.environment);
  std::vector<char*> arguments;
  for (const std::string& argument : plan.command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  return errno;
}

}  // namespace

SignalState::SignalState() {
  sigemptyset(&heard_);
  for (const int signal : kHeard) sigaddset(&heard_, signal);
  sigprocmask(SIG_BLOCK, &heard_, &before_);
  struct sigaction plain = {};
  plain.sa_handler = SIG_DFL;
  // Ignored, as some parents leave it, children would be gone before they are asked how they ended.
  sigaction(SIGCHLD, &plain, &child_before_);
  plain.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &plain, &pipe_before_);
  // What outgrows RLIMIT_FSIZE is an error to be said, and no reason to leave the command or to
  // forget its status: for good, since reports are written later.
  static const struct sigaction at_first = [&plain] {
    struct sigaction before = {};
    sigaction(SIGXFSZ, &plain, &before);
    return before;
  }();
  file_size_before_ = at_first;
}

SignalState::~SignalState() {
  sigaction(SIGCHLD, &child_before_, nullptr);
  sigaction(SIGPIPE, &pipe_before_, nullptr);
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void SignalState::restore() const {
  sigaction(SIGCHLD, &child_before_, nullptr);
  sigaction(SIGPIPE, &pipe_before_, nullptr);
  sigaction(SIGXFSZ, &file_size_before_, nullptr);
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

DescriptorLimit::DescriptorLimit() {
  getrlimit(RLIMIT_NOFILE, &before_);
  struct rlimit most = before_;
  most.rlim_cur = most.rlim_max;
  setrlimit(RLIMIT_NOFILE, &most);
}

void DescriptorLimit::restore() const {
  setrlimit(RLIMIT_NOFILE, &before_);
}

std::string find_command(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string folders = path != nullptr ? path : "/bin:/usr/bin";
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string folder = folders.substr(begin, end - begin);
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

int start_child(const ChildPlan& plan, const SignalState& signals, const DescriptorLimit& limit,
                pid_t& pid) {
  // Closed by exec: a read of nothing means that the command runs.
  pid = -1;
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) != 0) return errno;
  pid = fork();
  if (pid == 0) {
    const int error = become(plan, signals, limit);
    [[maybe_unused]] const auto written = write(failure[1], &error, sizeof error);
    _exit(127);
  }
  const int fork_error = errno;
  close(failure[1]);
  int error = 0;
  if (pid < 0) {
    error = fork_error;
  } else {
    ssize_t got = 0;
    do {
      got = read(failure[0], &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    if (got != sizeof error) error = 0;
    if (error != 0) waitpid(pid, nullptr, 0);
  }
  close(failure[0]);
  return error;
}

int become_command(const ChildPlan& plan, const SignalState& signals,
                   const DescriptorLimit& limit) {
  return become(plan, signals, limit);
}

void hand_on(int signal, bool from_terminal, pid_t child) {
  if (signal == SIGCHLD || from_terminal) return;
  kill(child, signal);
}

}  // namespace jitcorral::command
