#include "collect/listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
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
  return collect::pidfd_of(pid);
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw std::runtime_error(path + ": longer than a socket's name may be");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Descriptor new_socket() {
  return Descriptor(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int connect_to(const Descriptor& socket, const sockaddr_un& address) {
  return connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// Held while one looks whether a socket's owner lives, and puts his own in its place: of two that
// start at once, the second finds the first.
Descriptor lock_of(const std::string& path) {
  const std::string name = path + ".lock";
  Descriptor lock(open(name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock) fail(name);
  while (flock(lock.get(), LOCK_EX) != 0)
    if (errno != EINTR) fail(name);
  return lock;
}

// Removes the socket of a recorder that has died.
void remove_stale(const std::string& path) {
  struct stat there = {};
  if (lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return;
    fail(path);
  }
  if (!S_ISSOCK(there.st_mode))
    throw std::runtime_error(path + ": there is something that is no socket; it stays");
  const Descriptor probe = new_socket();
  if (!probe) fail(path);
  // A full queue (EAGAIN), or a socket of another type (EPROTOTYPE), is somebody's who lives.
  if (connect_to(probe, address_of(path)) == 0 || errno != ECONNREFUSED)
    throw std::runtime_error(path + ": another recorder listens there");
  if (unlink(path.c_str()) != 0) fail(path);
}

// Whether closing it frees some memory and no more: what a ring may be.
bool is_small_memory(const Descriptor& descriptor) {
  constexpr off_t kMost = 16 << 20;
  struct stat status = {};
  return fcntl(descriptor.get(), F_GET_SEALS) >= 0 && fstat(descriptor.get(), &status) == 0 &&
         S_ISREG(status.st_mode) && status.st_size <= kMost;
}

// Whether nothing lies in a connection any more, nor will; a message may bring descriptors, which
// are closed with it.
bool is_drained(const Descriptor& connection) {
  shutdown(connection.get(), SHUT_RD);
  // An empty message is not the end: it says who sent it.
  const int on = 1;
  setsockopt(connection.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  // What brings no descriptors is thrown away here: a queue of such could be without end.
  constexpr int kMost = 64;
  for (int i = 0; i < kMost; ++i) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))] = {};
    msghdr header = {};
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(connection.get(), &header, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0 && header.msg_controllen == 0) return true;
    // There is room for who sent it, and for no descriptor.
    if (got < 0 || (header.msg_flags & MSG_CTRUNC) != 0) return false;
    char first = 0;
    recv(connection.get(), &first, sizeof first, MSG_DONTWAIT);
  }
  return false;
}

template <typename T>
T option(const Descriptor& socket, int name) {
  T value = {};
  socklen_t size = sizeof value;
  if (getsockopt(socket.get(), SOL_SOCKET, name, &value, &size) != 0) fail("no socket");
  return value;
}

}  // namespace

Descriptor pidfd_of(pid_t pid) {
  return Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

void Listener::bind_and_listen(mode_t mode) {
  // A process that finds the queue full goes unrecorded, so it is as long as the kernel has it.
  constexpr int kBacklog = 4096;
  const sockaddr_un address = address_of(path_);
  socket_ = new_socket();
  // Never more open than it is meant to be: Linux gives the file what the socket has, less umask.
  const bool bound =
      socket_ && fchmod(socket_.get(), mode) == 0 &&
      bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (!bound) fail(path_);
  struct stat made = {};
  if (chmod(path_.c_str(), mode) == 0 && listen(socket_.get(), kBacklog) == 0 &&
      lstat(path_.c_str(), &made) == 0) {
    made_ = made.st_ino;
    return;
  }
  const int error = errno;
  unlink(path_.c_str());
  errno = error;
  fail(path_);
}

Listener::Listener(const std::string& parent, bool for_everyone) : for_everyone_(for_everyone) {
  std::string pattern = parent + "/jitcorral-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) fail(pattern);
  folder_ = pattern;
  path_ = folder_ + "/socket";
  try {
    bind_and_listen(for_everyone ? 0666 : 0600);
    if (for_everyone && chmod(folder_.c_str(), 0711) != 0) fail(folder_);
  } catch (...) {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
    throw;
  }
}

Listener::Listener(const std::string& path, std::filesystem::perms mode)
    : path_(path),
      for_everyone_((mode & std::filesystem::perms::others_write) != std::filesystem::perms::none) {
  address_of(path);  // before anything is made
  const std::string folder = std::filesystem::path(path).parent_path();
  if (!folder.empty() && mkdir(folder.c_str(), for_everyone_ ? 0755 : 0700) != 0 && errno != EEXIST)
    fail(folder);
  struct stat there = {};
  // Who owns it could put his own socket there, under everybody's eyes.
  if (!folder.empty() && stat(folder.c_str(), &there) == 0 && there.st_uid != 0 &&
      there.st_uid != geteuid())
    throw std::runtime_error(folder + ": belongs to another user (uid " +
                             std::to_string(there.st_uid) + "); accepted: one's own or root's");
  const Descriptor lock = lock_of(path);
  remove_stale(path);
  bind_and_listen(static_cast<mode_t>(mode) & 0777);
}

Listener::Listener(Descriptor socket, bool for_everyone)
    : socket_(std::move(socket)), for_everyone_(for_everyone) {
  const std::string what = "descriptor " + std::to_string(socket_.get());
  if (option<int>(socket_, SO_DOMAIN) != AF_UNIX ||
      option<int>(socket_, SO_TYPE) != SOCK_SEQPACKET || option<int>(socket_, SO_ACCEPTCONN) == 0)
    throw std::runtime_error(what + ": not a listening SOCK_SEQPACKET socket of AF_UNIX");
  const int flags = fcntl(socket_.get(), F_GETFL);
  if (flags < 0 || fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(socket_.get(), F_SETFD, FD_CLOEXEC) != 0)
    fail(what);
  sockaddr_un address = {};
  socklen_t size = sizeof address;
  constexpr std::size_t kName = offsetof(sockaddr_un, sun_path);
  if (getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 && size > kName)
    path_.assign(address.sun_path, strnlen(address.sun_path, size - kName));
}

Listener::~Listener() {
  struct stat there = {};
  // Somebody else's may be there by now.
  if (made_ != 0 && lstat(path_.c_str(), &there) == 0 && there.st_ino == made_)
    unlink(path_.c_str());
  if (!folder_.empty()) rmdir(folder_.c_str());
}

std::vector<int> Listener::descriptors() const {
  std::vector<int> all = {socket_.get()};
  for (const Connection& connection : silent_) all.push_back(connection.socket.get());
  return all;
}

void Listener::leave_to_heir() {
  made_ = 0;
  folder_.clear();
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
    if (reading == Reading::kSilent && now - connection.since < kPatience) {
      silent_.push_back(std::move(connection));
      continue;
    }
    end(std::move(connection));
    if (reading == Reading::kTaken) return message;
    ++refused_;
  }
  starved_ = false;
  // Who connects without end must not keep us here.
  constexpr int kMostAtOnce = 512;
  for (int i = 0; i < kMostAtOnce; ++i) {
    Connection connection{
        Descriptor(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)), now};
    if (!connection.socket) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      starved_ = errno != EAGAIN;
      return std::nullopt;
    }
    socklen_t size = sizeof connection.peer;
    getsockopt(connection.socket.get(), SOL_SOCKET, SO_PEERCRED, &connection.peer, &size);
    const Reading reading = read(connection, message);
    if (reading == Reading::kSilent) {
      silent_.push_back(std::move(connection));
      if (silent_.size() <= kMostSilent) continue;
      connection = std::move(silent_.front());
      silent_.pop_front();
    }
    end(std::move(connection));
    if (reading == Reading::kTaken) return message;
    ++refused_;
  }
  return std::nullopt;
}

void Listener::end(Connection connection) {
  if (!is_drained(connection.socket))
    closer_.close(std::move(connection.socket), connection.peer.uid);
}

Listener::Reading Listener::read(const Connection& from, Message& message) {
  const Descriptor& connection = from.socket;
  const ucred& peer = from.peer;
  // A process of another pid namespace has no number here, and 0 means ourselves.
  if (peer.pid <= 0) return Reading::kRefused;
  if (peer.uid != geteuid() && peer.uid != 0 && !for_everyone_) return Reading::kRefused;
  // Who sends what can't be closed gets no more of it in here.
  constexpr std::size_t kMostWaiting = 8;
  if (closer_.waiting(peer.uid) > kMostWaiting) return Reading::kRefused;
  message = {};
  message.pid = peer.pid;
  message.uid = peer.uid;
  message.gid = peer.gid;
  unsigned char bytes[Hello::kMostSize];
  iovec body = {bytes, sizeof bytes};
  // Room for all that a message may bring: the kernel would close the rest here and now.
  constexpr std::size_t kMostDescriptors = 253;
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))];
  msghdr header = {};
  header.msg_iov = &body;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(connection.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Reading::kSilent : Reading::kRefused;
  bool is_plausible = true;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      Descriptor descriptor(fd);
      if (is_small_memory(descriptor)) {
        message.ring = std::move(descriptor);  // of several the last one stays
      } else {
        is_plausible = false;
        closer_.close(std::move(descriptor), peer.uid);
      }
    }
  }
  const auto hello = hello_from(bytes, static_cast<std::size_t>(got));
  if (!is_plausible || !hello || hello->size != got ||
      (header.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0 ||
      hello->subject >= Hello::Subject::kCount)
    return Reading::kRefused;
  message.hello = *hello;
  if ((hello->subject == Hello::Subject::kRing) != static_cast<bool>(message.ring))
    return Reading::kRefused;
  message.hello.pid = static_cast<std::uint32_t>(peer.pid);
  message.pidfd = pidfd_of(connection.get(), peer.pid);
  return Reading::kTaken;
}

}  // namespace jitcorral::collect
