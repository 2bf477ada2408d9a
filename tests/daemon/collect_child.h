// A child that waits for what is asked of it.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <vector>

#include "ring_scratch.h"

namespace jitcorral::ring_test {

// A child that does `act` and then waits until its pipe is closed.
class Child {
 public:
  explicit Child(const std::function<void(int)>& act) {
    int said[2], stay[2];
    if (pipe(said) != 0 || pipe(stay) != 0) throw std::runtime_error("no pipe");
    pid_ = fork();
    if (pid_ == 0) {
      close(stay[1]);
      act(said[1]);
      std::uint64_t done = 0;
      if (write(said[1], &done, sizeof done) != sizeof done) _exit(1);
      char c = 0;
      _exit(static_cast<int>(read(stay[0], &c, 1)));
    }
    close(said[1]);
    close(stay[0]);
    stay_ = Descriptor(stay[1]);
    const Descriptor reading(said[0]);
    for (std::uint64_t word = 0; read(said[0], &word, sizeof word) == sizeof word && word != 0;)
      said_.push_back(word);
  }
  ~Child() {
    stay_ = Descriptor();
    if (!reaped_) waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  std::uint64_t said(std::size_t i) const { return said_.at(i); }
  // Lets it come to its end, and leaves it as a zombie.
  void end(int signal = 0) {
    if (signal != 0) kill(pid_, signal);
    stay_ = Descriptor();
    siginfo_t info = {};
    waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  void reap() {
    waitpid(pid_, nullptr, 0);
    reaped_ = true;
  }

 private:
  pid_t pid_ = 0;
  Descriptor stay_;
  std::vector<std::uint64_t> said_;
  bool reaped_ = false;
};

inline void tell(int fd, std::uint64_t word) {
  if (write(fd, &word, sizeof word) != sizeof word) _exit(1);
}
inline std::uint64_t code_page(int flags = MAP_PRIVATE | MAP_ANONYMOUS, int fd = -1) {
  void* page = mmap(nullptr, 0x3000, PROT_READ | PROT_EXEC, flags, fd, 0);
  return page == MAP_FAILED ? 0 : reinterpret_cast<std::uint64_t>(page);
}

}  // namespace jitcorral::ring_test
