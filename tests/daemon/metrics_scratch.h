// A folder with a server's socket, and clients that say what they like.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace jitcorral::metrics_test {

class Folder {
 public:
  Folder() {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no folder");
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string socket() const { return path_ + "/metrics"; }

 private:
  std::string path_ = "/tmp/jitcorral-metrics-XXXXXX";
};

class Client {
 public:
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("no connection");
  }
  explicit Client(int connected) : fd_(connected) {}
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool say(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // All that comes until the server closes.
  std::string hear() const {
    std::string all;
    char some[65536];
    for (ssize_t got; (got = recv(fd_, some, sizeof some, 0)) > 0;)
      all.append(some, static_cast<std::size_t>(got));
    return all;
  }
  // Waits until the server has closed, without reading.
  bool is_closed_by_peer() const {
    pollfd waits{fd_, 0, 0};
    return poll(&waits, 1, 20'000) == 1 && (waits.revents & POLLHUP) != 0;
  }
  std::string ask(std::string_view request) const {
    say(request);
    return hear();
  }

 private:
  int fd_;
};

inline constexpr std::string_view kGet = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

}  // namespace jitcorral::metrics_test
