#include "collect/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // Linux 6.5
#endif

namespace jitcorral::collect {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

// A descriptor of the process at the other end, of nobody who took over its pid.
Descriptor pidfd_of(int connection, pid_t pid) {
  int fd = -1;
  socklen_t size = sizeof fd;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0) return Descriptor(fd);
  // Before Linux 6.5 the pid has to do. Otherwise the process is gone, and its pid may be
  // another's.
  if (errno != ENOPROTOOPT) return Descriptor();
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

}  // namespace

Listener::Listener(const std::string& parent, bool for_everyone) : for_everyone_(for_everyone) {
  std::string pattern = parent + "/jitcorral-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) fail(pattern);
  folder_ = pattern;
  path_ = folder_ + "/socket";
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) {
    rmdir(folder_.c_str());
    throw std::runtime_error(path_ + ": longer than a socket's name may be");
  }
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  socket_ = Descriptor(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // A process that finds the queue full goes unrecorded, so it is as long as the kernel has it.
  constexpr int kBacklog = 4096;
  const bool ready =
      socket_ &&
      bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      (!for_everyone || (chmod(path_.c_str(), 0666) == 0 && chmod(folder_.c_str(), 0711) == 0)) &&
      listen(socket_.get(), kBacklog) == 0;
  if (ready) return;
  const int error = errno;
  unlink(path_.c_str());
  rmdir(folder_.c_str());
  errno = error;
  fail(path_);
}

Listener::~Listener() {
  unlink(path_.c_str());
  rmdir(folder_.c_str());
}

std::optional<Message> Listener::receive() {
  // The shim connects and sends in one go; who connects and keeps silent is no shim, and holds up
  // nobody: it has as long as a busy machine may take, and there are not many of them.
  constexpr auto kPatience = std::chrono::milliseconds(500);
  constexpr std::size_t kMostSilent = 64;
  const auto now = std::chrono::steady_clock::now();
  Message message;
  for (std::size_t i = silent_.size(); i > 0; --i) {
    Connection connection = std::move(silent_.front());
    silent_.pop_front();
    const Reading reading = read(connection, message);
    if (reading == Reading::kTaken) return message;
    if (reading == Reading::kSilent && now - connection.since < kPatience)
      silent_.push_back(std::move(connection));
    else
      ++refused_;
  }
  starved_ = false;
  for (;;) {
    Connection connection{
        Descriptor(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)), now};
    if (!connection.socket) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      starved_ = errno != EAGAIN;
      return std::nullopt;
    }
    const Reading reading = read(connection, message);
    if (reading == Reading::kTaken) return message;
    if (reading == Reading::kSilent) silent_.push_back(std::move(connection));
    if (reading == Reading::kSilent && silent_.size() <= kMostSilent) continue;
    ++refused_;
    if (reading == Reading::kSilent) silent_.pop_front();
  }
}

Listener::Reading Listener::read(const Connection& from, Message& message) {
  const Descriptor& connection = from.socket;
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return Reading::kRefused;
  // A process of another pid namespace has no number here, and 0 means ourselves.
  if (peer.pid <= 0) return Reading::kRefused;
  if (peer.uid != geteuid() && peer.uid != 0 && !for_everyone_) return Reading::kRefused;
  message = {};
  message.pid = peer.pid;
  message.uid = peer.uid;
  Hello& hello = message.hello;
  iovec body = {&hello, sizeof hello};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &body;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(connection.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Reading::kSilent : Reading::kRefused;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      message.ring = Descriptor(fd);  // of several the last one stays
    }
  }
  if (got != static_cast<ssize_t>(sizeof hello) ||
      (header.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0 || hello.magic != Hello::kMagic ||
      hello.major != ring::kMajor || hello.size != sizeof hello ||
      hello.subject >= Hello::Subject::kCount)
    return Reading::kRefused;
  if ((hello.subject == Hello::Subject::kRing) != static_cast<bool>(message.ring))
    return Reading::kRefused;
  hello.pid = static_cast<std::uint32_t>(peer.pid);
  message.pidfd = pidfd_of(connection.get(), peer.pid);
  return Reading::kTaken;
}

}  // namespace jitcorral::collect
