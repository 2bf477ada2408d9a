#include "command/output.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "command/commands.h"
#include "show/safe.h"

namespace jitcorral::command {
namespace {

// Holds SIGPIPE back from this thread and eats the one that a write raised. The process's own
// disposition stays as it is: `run` hands it on to its command.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before_);
  }
  ~WithoutSigpipe() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    const timespec now{};
    if (broken_) sigtimedwait(&pipe, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  void broke() { broken_ = true; }

 private:
  sigset_t before_{};
  bool broken_ = false;
};

}  // namespace

void guard_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free descriptor is this one. The wrong access mode keeps it unusable.
    if (open("/dev/null", (fd == 0 ? O_WRONLY : O_RDONLY) | O_CLOEXEC) != fd) return;
  }
}

bool write_all(int fd, std::string_view text) {
  WithoutSigpipe guard;
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno != EPIPE) return false;
      guard.broke();
      return true;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

int print(std::string_view text) {
  if (write_all(STDOUT_FILENO, text)) return 0;
  return fail(fmt::format("can't write to standard output: {}", strerror(errno)));
}

int fail(std::string_view why) {
  // Nothing can be said about a standard error that takes nothing.
  static_cast<void>(write_all(STDERR_FILENO, "jitcorral: " + show::printable(why) + '\n'));
  return kFailed;
}

void note(std::string_view what) {
  static_cast<void>(fail(what));
}

show::TextOptions text_options(int fd) {
  show::TextOptions options;
  if (isatty(fd) == 0) return options;
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  options.colour = (no_colour == nullptr || *no_colour == '\0') && term != nullptr &&
                   std::string_view(term) != "dumb";
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
    options.width = std::clamp<unsigned>(size.ws_col, 60, 120);
  return options;
}

}  // namespace jitcorral::command
