#include "command/trial.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "collect/ring_reader.h"
#include "command/output.h"
#include "command/shim_file.h"

namespace jitcorral::command {
namespace {

using Clock = std::chrono::steady_clock;
using collect::Descriptor;
using std::chrono::milliseconds;

constexpr std::size_t kMostText = 64 << 10;
constexpr std::string_view kShimName = "libjitcorral.so";
constexpr std::string_view kOwnLine = "[jitcorral:";

// LD_PRELOAD as it is for a run with `shim`, or bare: without any shim that is in it already.
std::string preload(const std::string& shim) {
  std::string list = shim;
  const char* const now = std::getenv("LD_PRELOAD");
  std::string_view rest = now != nullptr ? now : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(" :"), rest.size());
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (one.empty() || one.ends_with(kShimName)) continue;
    list += (list.empty() ? "" : ":") + std::string(one);
  }
  return list;
}

Caught caught(int fd, std::vector<std::string>* own_lines) {
  Caught all;
  all.hash = 0xcbf29ce484222325;  // FNV-1a
  std::string pending;            // the line that is not whole yet, if lines are looked at
  const auto take = [&](std::string_view text) {
    all.bytes += text.size();
    for (const char c : text) all.hash = (all.hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    if (all.text.size() < kMostText) all.text += text.substr(0, kMostText - all.text.size());
  };
  const auto take_line = [&](std::string_view line) {
    if (line.starts_with(kOwnLine))
      own_lines->emplace_back(line.substr(0, line.find_last_not_of('\n') + 1));
    else
      take(line);
  };
  char some[65536];
  off_t at = 0;
  for (ssize_t got; (got = pread(fd, some, sizeof some, at)) > 0; at += got) {
    const std::string_view text(some, static_cast<std::size_t>(got));
    if (own_lines == nullptr) {
      take(text);
      continue;
    }
    pending += text;
    std::size_t begin = 0;
    for (std::size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1)
      take_line(std::string_view(pending).substr(begin, end + 1 - begin));
    pending.erase(0, begin);
  }
  if (!pending.empty()) take_line(pending);
  return all;
}

// The process's maps, counted while it lives.
class MapCount {
 public:
  explicit MapCount(pid_t pid) : path_(fmt::format("/proc/{}/maps", pid)) {}
  void sample(Trial& trial) {
    const Descriptor file(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return;
    std::uint64_t lines = 0;
    std::string tail;
    char some[65536];
    for (ssize_t got; (got = read(file.get(), some, sizeof some)) > 0;) {
      const std::string_view text(some, static_cast<std::size_t>(got));
      lines += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
      if (trial.saw_shim) continue;
      tail += text;
      trial.saw_shim = tail.find(kShimName) != std::string::npos;
      tail.erase(0, tail.size() - std::min(tail.size(), kShimName.size()));
    }
    trial.maps = std::max(trial.maps, lines);
  }

 private:
  std::string path_;
};

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void wait_for(pid_t child, const SignalState& signals, const TrialPlan& plan,
              Clock::time_point start, Trial& trial) {
  const Descriptor heard(signalfd(-1, &signals.heard(), SFD_CLOEXEC | SFD_NONBLOCK));
  MapCount count(child);
  milliseconds until_sample{2};
  Clock::time_point next = start + until_sample;
  for (;;) {
    pollfd wait{heard.get(), POLLIN, 0};
    const auto left = std::chrono::ceil<milliseconds>(next - Clock::now());
    poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    signalfd_siginfo info{};
    while (heard && read(heard.get(), &info, sizeof info) == sizeof info) {
      const int signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT)
        trial.ended.told_to_end = signal;
      hand_on(signal, info.ssi_code == SI_KERNEL, child);
    }
    int status = 0;
    struct rusage used {};
    if (wait4(child, &status, WNOHANG, &used) == child) {
      trial.wall = std::chrono::duration<double>(Clock::now() - start).count();
      trial.cpu = seconds(used.ru_utime) + seconds(used.ru_stime);
      trial.max_rss = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
      trial.faults = static_cast<std::uint64_t>(used.ru_minflt + used.ru_majflt);
      if (WIFSIGNALED(status)) trial.ended.signal = WTERMSIG(status);
      trial.ended.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      return;
    }
    const Clock::time_point now = Clock::now();
    if (plan.timeout.count() != 0 && now - start > plan.timeout && !trial.timed_out) {
      trial.timed_out = true;
      kill(child, SIGKILL);
    }
    if (now < next) continue;
    count.sample(trial);
    until_sample = std::min(until_sample * 3 / 2, milliseconds(250));
    next = now + until_sample;
  }
}

}  // namespace

std::string shim_for_trials(const std::string& named) {
  const std::string shim = named.empty() ? find_shim() : named;
  std::ifstream everywhere("/etc/ld.so.preload");
  for (std::string word; everywhere >> word;) {
    if (word.find(kShimName) == std::string::npos) continue;
    fail("/etc/ld.so.preload loads " + word + " into everything: nothing can be run bare");
    return "";
  }
  if (shim.empty()) {
    fail("libjitcorral.so was not found beside this command; name it by --shim FILE");
  } else if (access(shim.c_str(), R_OK) != 0) {
    fail(fmt::format("--shim {}: {}", shim, std::strerror(errno)));
    return "";
  } else if (shim.find_first_of(" :") != std::string::npos) {
    fail(fmt::format("{}: the dynamic linker takes no path with a blank or a colon", shim));
    return "";
  }
  std::error_code error;
  const std::string absolute = std::filesystem::absolute(shim, error).string();
  return shim.empty() || error ? shim : absolute;
}

Trial run_trial(const TrialPlan& plan) {
  Trial trial;
  const SignalState signals;
  const DescriptorLimit limit;
  const Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Descriptor output(memfd_create("jitcorral-stdout", MFD_CLOEXEC));
  const Descriptor errors(memfd_create("jitcorral-stderr", MFD_CLOEXEC));
  ChildPlan child{plan.command,
                  {"LD_PRELOAD=" + preload(plan.shim)},
                  nothing.get(),
                  output.get(),
                  errors.get()};
  // What was not there must not be there, empty.
  if (plan.shim.empty() && std::getenv("LD_PRELOAD") == nullptr) child.environment.clear();
  const Clock::time_point start = Clock::now();
  pid_t pid = -1;
  int error = output && errors ? start_child(child, signals, limit, pid) : errno;
  if (error == 0 && pid < 0) error = EAGAIN;
  if (error != 0) {
    const bool is_missing = find_command(plan.command[0]).empty();
    trial.ended.status = is_missing || error == ENOENT ? 127 : 126;
    fail(fmt::format("{}: {}", plan.command[0],
                     is_missing ? "not found in PATH" : std::strerror(error)));
    return trial;
  }
  trial.ended.started = true;
  wait_for(pid, signals, plan, start, trial);
  trial.output = caught(output.get(), nullptr);
  trial.errors = caught(errors.get(), &trial.own_lines);
  return trial;
}

}  // namespace jitcorral::command
