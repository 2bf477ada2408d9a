// The socket on which processes say hello.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "collect/closer.h"
#include "collect/ring_reader.h"
#include "jitcorral/hello.h"

namespace jitcorral::collect {

// One message, and what the kernel says of who sent it.
struct Message {
  Hello hello;
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  Descriptor pidfd;  // of the sender; none if it is gone already
  Descriptor ring;   // with Subject::kRing: a memfd, of no more than some MiB
};

// A descriptor of the process that has this pid now; none if there is none.
Descriptor pidfd_of(pid_t pid);

class Listener {
 public:
  // A socket in a new folder of its own below `parent`, removed at the end. Throws
  // std::runtime_error with one line. `for_everyone`: other users' processes may connect too (a
  // command run as root that changes its user).
  Listener(const std::string& parent, bool for_everyone);
  // A socket at this very path, removed at the end; its folder is made if only that is missing.
  // What a recorder left there that has died is replaced; beside one that lives, and over what is
  // no socket, it throws. `mode`: the socket's; where others may write, they may connect.
  Listener(const std::string& path, std::filesystem::perms mode);
  // A listening socket that was inherited (systemd, a holder); its file is its maker's.
  Listener(Descriptor socket, bool for_everyone);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return socket_.get(); }

  // The next message, without waiting; none when there is none. What is no message of ours, or of
  // somebody who may not send any, is dropped and counted.
  std::optional<Message> receive();
  std::uint64_t refused() const { return refused_; }
  // All that are open: the socket's, and those of connections that have not sent their message yet.
  std::vector<int> descriptors() const;
  // Another process, which has inherited the socket, listens on and removes it.
  void leave_to_heir();
  // That is we.
  void be_heir() { closer_.forget(); }
  // Whether a connection has not sent its message yet.
  bool is_awaiting() const { return !silent_.empty(); }
  // No descriptor was left for a connection that waits: looking again at once is of no use.
  bool is_starved() const { return starved_; }

 private:
  struct Connection {
    Descriptor socket;
    std::chrono::steady_clock::time_point since;
    ucred peer = {};
  };
  enum class Reading { kTaken, kSilent, kRefused };
  Reading read(const Connection& connection, Message& message);
  void end(Connection connection);
  void bind_and_listen(mode_t mode);

  std::string folder_;  // to be removed; empty: none
  std::string path_;
  ino_t made_ = 0;  // the file at path_ that is to be removed; 0: none
  Descriptor socket_;
  bool for_everyone_ = false;
  std::uint64_t refused_ = 0;
  std::deque<Connection> silent_;  // oldest first
  bool starved_ = false;
  Closer closer_;
};

}  // namespace jitcorral::collect
