// The daemon's side of a holder process.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include "serve/keeper.h"
#include "serve/parcel.h"

namespace jitcorral::serve {
namespace {

Descriptor connect_to(const std::string& path);
void start_holder(const std::string& path);

class HolderClient : public Keeper {
 public:
  HolderClient(std::string path, Descriptor connection)
      : path_(std::move(path)), connection_(std::move(connection)) {}

  void keep(const std::string& name, const std::vector<int>& descriptors) override {
    sound_ = sound_ && send_parcel(connection_.get(), Parcel::What::kKeep, name, descriptors);
  }
  void forget(const std::string& name) override {
    sound_ = sound_ && send_parcel(connection_.get(), Parcel::What::kForget, name);
  }
  bool settle() override {
    if (!sound_ || !send_parcel(connection_.get(), Parcel::What::kBarrier)) return sound_ = false;
    const auto answer = receive_parcel(connection_.get());
    return sound_ = answer && answer->what == Parcel::What::kBarrier;
  }
  bool revive() override {
    constexpr std::chrono::minutes kAgain(1);  // to start one that fails takes seconds
    const auto now = std::chrono::steady_clock::now();
    if (sound_ || now < next_) return false;
    next_ = now + kAgain;
    try {
      connection_ = connect_to(path_);
      if (!connection_) {
        start_holder(path_);
        connection_ = connect_to(path_);
      }
    } catch (const std::exception&) {
      connection_ = {};
    }
    return sound_ = static_cast<bool>(connection_);
  }
  std::vector<Kept> restore() override {
    std::vector<Kept> kept;
    if (!sound_ || !send_parcel(connection_.get(), Parcel::What::kList)) return kept;
    while (auto parcel = receive_parcel(connection_.get())) {
      if (parcel->what != Parcel::What::kEntry) break;
      kept.push_back({std::move(parcel->name), std::move(parcel->descriptors)});
    }
    return kept;
  }
  const char* what() const override { return "a process of its own"; }

 private:
  std::string path_;
  Descriptor connection_;
  bool sound_ = true;
  std::chrono::steady_clock::time_point next_{};
};

Descriptor connect_to(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw std::runtime_error(path + ": longer than a socket's name may be");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket ||
      connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {};
  // Another user's at our path would get our rings.
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid())
    throw std::runtime_error(path + ": another user listens there");
  // It answers at once; one that was stopped must not stop us.
  const timeval patience = {5, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return socket;
}

// Not our child: it must be nobody's whose end takes it along.
void start_holder(const std::string& path) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) throw std::runtime_error(std::strerror(errno));
  Descriptor reading(ready[0]), writing(ready[1]);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error(std::strerror(errno));
  if (child == 0) {
    if (fork() != 0) _exit(0);
    const int fd = dup(writing.get());  // without CLOEXEC
    execl("/proc/self/exe", "jitcorrald-holder", "--hold", path.c_str(), "--ready",
          std::to_string(fd).c_str(), nullptr);
    _exit(127);
  }
  writing = {};
  waitpid(child, nullptr, 0);
  pollfd entry = {reading.get(), POLLIN, 0};
  poll(&entry, 1, 5000);  // closed when it listens, or when it has failed
}

}  // namespace

std::unique_ptr<Keeper> make_holder(const std::string& path) {
  Descriptor connection = connect_to(path);
  if (!connection) {
    start_holder(path);
    connection = connect_to(path);
  }
  if (!connection)
    throw std::runtime_error(path + ": no process that keeps rings could be started");
  return std::make_unique<HolderClient>(path, std::move(connection));
}

}  // namespace jitcorral::serve
