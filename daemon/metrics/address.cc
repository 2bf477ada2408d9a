#include "metrics/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

namespace jitcorral::metrics {
namespace {

constexpr int kBacklog = 16;
constexpr std::string_view kUnix = "unix:";

[[noreturn]] void refuse(const std::string& where, const std::string& why) {
  throw AddressError("metrics " + where + ": " + why);
}

class Socket {
 public:
  Socket(const std::string& where, int family)
      : where_(where), fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    if (fd_ < 0) refuse(where_, std::strerror(errno));
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }
  int listening() {
    if (listen(fd_, kBacklog) != 0) refuse(where_, std::strerror(errno));
    return std::exchange(fd_, -1);
  }

 private:
  const std::string& where_;
  int fd_;
};

std::string unix_path(const std::string& where) {
  std::string path = where.substr(kUnix.size());
  constexpr std::size_t kSize = sizeof(sockaddr_un::sun_path);
  if (path.empty() || path[0] != '/' || path.size() >= kSize)
    refuse(where, "accepted: an absolute path of at most " + std::to_string(kSize - 1) + " bytes");
  return path;
}

int listen_unix(const std::string& where) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = unix_path(where);
  path.copy(address.sun_path, path.size());
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  Socket socket(where, AF_UNIX);
  if (bind(socket.fd(), name, sizeof address) != 0) {
    if (errno != EADDRINUSE) refuse(where, std::strerror(errno));
    struct stat there {};
    if (lstat(path.c_str(), &there) == 0 && !S_ISSOCK(there.st_mode))
      refuse(where, "exists, and is no socket");
    // A listener that is busy answers EAGAIN; one that is gone, ECONNREFUSED.
    const Socket probe(where, AF_UNIX);
    if (connect(probe.fd(), name, sizeof address) == 0 || errno != ECONNREFUSED)
      refuse(where, "something else serves there");
    if (unlink(path.c_str()) != 0 || bind(socket.fd(), name, sizeof address) != 0)
      refuse(where, std::strerror(errno));
  }
  // Whatever the umask: as open as a port on loopback is.
  if (chmod(path.c_str(), 0666) != 0) refuse(where, std::strerror(errno));
  return socket.listening();
}

struct Loopback {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  bool is_v4 = false;
};

Loopback loopback_of(const std::string& where) {
  const std::size_t colon = where.find_last_of(':');
  if (colon == std::string::npos)
    refuse(where, "accepted: unix:/PATH, 127.0.0.1:PORT or [::1]:PORT");
  std::string host = where.substr(0, colon);
  const bool is_bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const char* const end = where.data() + where.size();
  const auto [stop, error] = std::from_chars(where.data() + colon + 1, end, port);
  if (error != std::errc() || stop != end || where.size() == colon + 1)
    refuse(where, "accepted as port: 0 to 65535");

  Loopback at;
  auto& [v4, v6, is_v4] = at;
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  v4.sin_port = v6.sin6_port = htons(port);
  is_v4 = !is_bracketed && inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1;
  const bool is_v6 = is_bracketed && inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1;
  const bool is_loopback = (is_v4 && (ntohl(v4.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET) ||
                           (is_v6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr));
  if (!is_loopback) refuse(where, "accepted as address: 127.0.0.0/8 or [::1], and unix:/PATH");
  return at;
}

int listen_loopback(const std::string& where) {
  const auto [v4, v6, is_v4] = loopback_of(where);
  Socket socket(where, is_v4 ? AF_INET : AF_INET6);
  const int on = 1;
  setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* const name =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  if (bind(socket.fd(), name, is_v4 ? sizeof v4 : sizeof v6) != 0)
    refuse(where, std::strerror(errno));
  return socket.listening();
}

}  // namespace

void check_address(const std::string& where) {
  if (where.starts_with(kUnix))
    unix_path(where);
  else
    loopback_of(where);
}

int listen_at(const std::string& where) {
  return where.starts_with(kUnix) ? listen_unix(where) : listen_loopback(where);
}

}  // namespace jitcorral::metrics
