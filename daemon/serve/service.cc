#include "serve/service.h"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "serve/answers.h"
#include "serve/inherited.h"
#include "serve/observed.h"
#include "serve/recorder.h"

namespace jitcorral::serve {
namespace {

using std::chrono::milliseconds;

// Readers' threads ask the loop to bring the database up to date, and wait for it a little.
class Refresh {
 public:
  explicit Refresh(int wake) : wake_(wake) {}
  // From another thread.
  void wait() {
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = ++asked_;
    const std::uint64_t one = 1;
    if (write(wake_, &one, sizeof one) != sizeof one) return;
    done_.wait_for(lock, std::chrono::seconds(2), [&] { return answered_ >= mine; });
  }
  // From the loop: what `flush` does is done for all that asked before.
  void answer(const std::function<void()>& flush) {
    std::uint64_t asked = 0;
    {
      const std::lock_guard lock(mutex_);
      asked = asked_;
      if (asked == answered_) return;
    }
    flush();
    const std::lock_guard lock(mutex_);
    answered_ = asked;
    done_.notify_all();
  }

 private:
  int wake_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::uint64_t asked_ = 0, answered_ = 0;
};

// What an epoll entry is; a process is one by its identity.
enum : std::uint64_t { kHello = 1, kSignals = 2, kWake = 3, kProcess = 4 };

class Loop {
 public:
  Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  void add(int fd, std::uint64_t tag) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = tag;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  // Identities are 64 random bits; the lowest tags are taken.
  void add_process(int fd, std::uint64_t identity) {
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLONESHOT;  // an end is said once
    event.data.u64 = identity < kProcess ? identity + kProcess : identity;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  int wait(std::span<epoll_event> events, Clock::time_point until) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    const auto most = std::clamp<std::int64_t>(left.count(), 0, 60'000);
    return epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                      static_cast<int>(most));
  }

 private:
  Descriptor epoll_;
};

Descriptor signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return Descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

// Each process costs two descriptors: as many as we may have.
void raise_limit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Standard error, coloured on a terminal only (https://no-color.org).
void set_log() {
  const char* const plain = std::getenv("NO_COLOR");
  spdlog::set_default_logger(plain != nullptr && *plain != '\0'
                                 ? spdlog::stderr_logger_st("jitcorrald")
                                 : spdlog::stderr_color_st("jitcorrald"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
}

void set_level(const Options& options) {
  spdlog::set_level(spdlog::level::from_str(options.log_level));
}

std::string seconds_in_microseconds() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000);
}

}  // namespace

int serve(const Options& first, const std::function<Options()>& read_options) try {
  Options options = first;
  set_log();
  set_level(options);
  raise_limit();
  const Descriptor signal_queue = signals();
  const Descriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  Inherited inherited = take_inherited();
  Loop loop;
  loop.add(signal_queue.get(), kSignals);
  loop.add(wake.get(), kWake);
  const auto mode = static_cast<std::filesystem::perms>(options.for_everyone ? 0666 : 0600);
  collect::Listener listener =
      inherited.hello ? collect::Listener(std::move(inherited.hello), options.for_everyone)
                      : collect::Listener(options.socket, mode);
  std::unique_ptr<Keeper> keeper = make_fd_store(std::move(inherited.kept));
  // Behind the listener, which makes the folder and finds a second daemon; before any thread, since
  // it forks.
  if (!keeper) keeper = make_holder(options.socket + ".holder");
  loop.add(listener.fd(), kHello);
  Recorder::Voice voice;
  voice.say = [](const std::string& line) { spdlog::info("{}", line); };
  voice.warn = [](const std::string& line) { spdlog::warn("{}", line); };
  Recorder::Watch watch;
  watch.add = [&](int fd, std::uint64_t identity) { loop.add_process(fd, identity); };
  const char* const kept_by = keeper->what();
  Recorder recorder(options, std::move(keeper), voice, watch);
  Observed observed(recorder, wake.get(), options.database);
  recorder.begin();
  Refresh refresh(wake.get());
  auto query = inherited.query
                   ? std::make_unique<collect::Listener>(std::move(inherited.query), true)
                   : std::make_unique<collect::Listener>(options.query, mode);
  Answers answers(std::move(query), options.database, [&] { refresh.wait(); });
  observed.serve(std::move(inherited.metrics), options.metrics);

  std::uint64_t patience = 0;  // microseconds
  sd_watchdog_enabled(0, &patience);
  sd_notify(0, "READY=1");
  spdlog::info("listening at {}, storing into {}, rings kept by {}", listener.path(),
               options.database, kept_by);

  Clock::time_point next = Clock::now();
  for (bool over = false; !over;) {
    epoll_event events[256];
    Clock::time_point until = next;
    if (patience != 0)
      until = std::min(until, Clock::now() + std::chrono::microseconds(patience / 2));
    if (listener.is_awaiting()) until = std::min(until, Clock::now() + milliseconds(100));
    const int count = loop.wait(events, until);
    if (patience != 0) sd_notify(0, "WATCHDOG=1");
    bool heard = listener.is_awaiting();
    std::vector<std::uint64_t> ended;
    for (int i = 0; i < count; ++i) {
      const std::uint64_t tag = events[i].data.u64;
      if (tag == kHello) {
        heard = true;
      } else if (tag == kWake) {
        std::uint64_t times = 0;
        if (read(wake.get(), &times, sizeof times) > 0) refresh.answer([&] { recorder.flush(); });
      } else if (tag == kSignals) {
        signalfd_siginfo info = {};
        while (read(signal_queue.get(), &info, sizeof info) == sizeof info) {
          if (info.ssi_signo != SIGHUP) {
            over = true;
            continue;
          }
          sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + seconds_in_microseconds()).c_str());
          try {
            options = read_options();
            set_level(options);
            recorder.reconfigure(options);
            spdlog::info("configuration read anew");
          } catch (const std::exception& problem) {
            spdlog::warn("{}; the configuration stays as it was", problem.what());
          }
          sd_notify(0, "READY=1");
        }
      } else {
        ended.push_back(tag);
      }
    }
    // What a process said is older than its end, and its ring may be part of it.
    if (heard || !ended.empty()) recorder.receive(listener);
    for (const std::uint64_t tag : ended) recorder.process_ended(tag);
    // Before the look, which stores the verdicts that came: the next one may be a minute away.
    observed.update();
    next = recorder.look(Clock::now());
    // No descriptor is left for who waits: not at once again.
    if (listener.is_starved()) usleep(10'000);
  }
  sd_notify(0, "STOPPING=1");
  recorder.finish();
  spdlog::info("stopped; {} processes are still being recorded into their rings", recorder.size());
  return 0;
} catch (const std::exception& problem) {
  spdlog::error("{}", problem.what());
  return 1;
}

}  // namespace jitcorral::serve
