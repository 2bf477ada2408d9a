#include "metrics/server.h"

#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "metrics/exposition.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83  // Linux 6.16
#endif

namespace jitcorral::metrics {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uid_t kNobody = static_cast<uid_t>(-1);  // over TCP nobody says who asks

struct Connection {
  int fd;
  uid_t user;
  Clock::time_point since;
  bool is_cut = false;
};

struct ResponseEnd {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using Response = std::unique_ptr<MHD_Response, ResponseEnd>;

Response response_of(std::string body, const char* type) {
  Response response(
      MHD_create_response_from_buffer(body.size(), body.data(), MHD_RESPMEM_MUST_COPY));
  if (!response) return response;
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, type);
  // Scrapes are seconds apart, and a deadline for a connection is then one for a request.
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONNECTION, "close");
  return response;
}

uid_t user_of(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  int family = 0;
  socklen_t family_size = sizeof family;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &family_size) != 0 || family != AF_UNIX ||
      getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return kNobody;
  return peer.uid;
}

}  // namespace

// Everything but construction and destruction happens on the one thread.
class Server::Http {
 public:
  Http(int listening, Source source, const Limits& limits)
      : source_(std::move(source)), limits_(limits) {
    // No request brings descriptors; to close them might take as long as their sender likes.
    const int none = 0;
    setsockopt(listening, SOL_SOCKET, SO_PASSRIGHTS, &none, sizeof none);
    // Accepted beyond our own limit: those that are cut go only when the library comes round.
    daemon_ = MHD_start_daemon(MHD_USE_EPOLL, 0, nullptr, nullptr, &Http::answer, this,
                               MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_CONNECTION_LIMIT,
                               static_cast<unsigned>(2 * limits_.connections),
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits_.request_bytes,
                               MHD_OPTION_NOTIFY_CONNECTION, &Http::notify, this, MHD_OPTION_END);
    if (daemon_ == nullptr) {
      close(listening);
      throw std::runtime_error("metrics: no HTTP server can be started on that socket");
    }
    stop_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      if (stop_ < 0) throw std::runtime_error("metrics: no eventfd");
      thread_ = std::thread([this] { serve(); });
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      release();
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread_.native_handle(), "metrics");
  }

  ~Http() {
    eventfd_write(stop_, 1);
    thread_.join();
    release();
  }
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

 private:
  void release() {
    MHD_stop_daemon(daemon_);
    if (stop_ >= 0) close(stop_);
  }

  void serve() {
    const MHD_DaemonInfo* const info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
    pollfd waits[] = {{info->epoll_fd, POLLIN, 0}, {stop_, POLLIN, 0}};
    for (;;) {
      poll(waits, std::size(waits), timeout());
      if (waits[1].revents != 0) return;
      cut_overdue();
      // Once more after each that closed something: a library that was full looks only at the
      // beginning of a turn whether it may accept again, and wants no turn for it.
      std::uint64_t closed = 0;
      do {
        closed = closed_;
        MHD_run(daemon_);
      } while (closed != closed_);
    }
  }

  int timeout() const {
    MHD_UNSIGNED_LONG_LONG wanted = 0;
    std::int64_t wait = -1;
    if (MHD_get_timeout(daemon_, &wanted) == MHD_YES)
      wait = static_cast<std::int64_t>(std::min<MHD_UNSIGNED_LONG_LONG>(wanted, 60'000));
    if (!connections_.empty()) {
      // The list is in the order of arrival; a millisecond more, since poll's are whole ones.
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          connections_.front().since + limits_.deadline - Clock::now());
      const std::int64_t until = std::max<std::int64_t>(left.count() + 1, 1);
      wait = wait < 0 ? until : std::min(wait, until);
    }
    return static_cast<int>(wait);
  }

  static void cut(Connection& connection) {
    if (!std::exchange(connection.is_cut, true)) shutdown(connection.fd, SHUT_RDWR);
  }

  void cut_overdue() {
    const Clock::time_point begun = Clock::now() - limits_.deadline;
    for (Connection& connection : connections_) {
      if (connection.since > begun) break;
      cut(connection);
    }
  }

  // Makes room: of the same user first.
  void cut_beyond_limits(uid_t user) {
    const auto of_user = [&](const Connection& c) { return !c.is_cut && c.user == user; };
    const auto is_open = [](const Connection& c) { return !c.is_cut; };
    const auto open = [&](const auto& which) {
      return static_cast<std::size_t>(
          std::count_if(connections_.begin(), connections_.end(), which));
    };
    const bool is_bounded = user != kNobody && user != 0;
    if (is_bounded && open(of_user) > limits_.connections_a_user)
      cut(*std::find_if(connections_.begin(), connections_.end(), of_user));
    if (open(is_open) > limits_.connections)
      cut(*std::find_if(connections_.begin(), connections_.end(), is_open));
  }

  static void notify(void* self, MHD_Connection* connection, void** context,
                     MHD_ConnectionNotificationCode code) {
    auto& http = *static_cast<Http*>(self);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      const int fd =
          MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
      const uid_t user = user_of(fd);
      http.connections_.push_back({fd, user, Clock::now()});
      *context = &http.connections_.back();
      http.cut_beyond_limits(user);
    } else {
      ++http.closed_;
      http.connections_.remove_if([&](const Connection& c) { return &c == *context; });
    }
  }

  static MHD_Result answer(void* self, MHD_Connection* connection, const char* url,
                           const char* method, const char*, const char*, size_t*, void**) {
    return static_cast<Http*>(self)->respond(connection, url, method);
  }

  MHD_Result respond(MHD_Connection* connection, std::string_view url, std::string_view method) {
    if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD) {
      const Response response = response_of("accepted: GET and HEAD\n", "text/plain");
      if (response) MHD_add_response_header(response.get(), MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
      return queue(connection, MHD_HTTP_METHOD_NOT_ALLOWED, response.get());
    }
    if (url != "/metrics") {
      const Response response = response_of("the metrics are at /metrics\n", "text/plain");
      return queue(connection, MHD_HTTP_NOT_FOUND, response.get());
    }
    try {
      return queue(connection, MHD_HTTP_OK, metrics());
    } catch (...) {  // no exception may pass the library, which is C
      const Response response = response_of("the metrics can't be had now\n", "text/plain");
      return queue(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, response.get());
    }
  }

  static MHD_Result queue(MHD_Connection* connection, unsigned status, MHD_Response* response) {
    return response == nullptr ? MHD_NO : MHD_queue_response(connection, status, response);
  }

  // Shared by all who ask within a moment, so that asking often costs little.
  MHD_Response* metrics() {
    const Clock::time_point now = Clock::now();
    if (!made_ || now - made_at_ >= limits_.fresh) {
      made_ = response_of(exposition(source_()), kContentType);
      made_at_ = now;
    }
    return made_.get();
  }

  const Source source_;
  const Limits limits_;
  MHD_Daemon* daemon_ = nullptr;
  int stop_ = -1;
  std::list<Connection> connections_;  // by age
  std::uint64_t closed_ = 0;
  Response made_;
  Clock::time_point made_at_;
  std::thread thread_;
};

Server::Server(int listening, Source source, const Limits& limits)
    : http_(std::make_unique<Http>(listening, std::move(source), limits)) {}

Server::~Server() = default;

}  // namespace jitcorral::metrics
