// Serves the metrics over HTTP, on a thread of its own: GET /metrics. One request a connection.
#pragma once

#include <chrono>
#include <memory>

#include "metrics/groups.h"

namespace jitcorral::metrics {

// What clients may cost. They may be slow, and they may mean ill: a connection that is not done in
// time is closed, and one too many costs its user the oldest.
struct Limits {
  std::chrono::milliseconds deadline{10'000};  // from connection to last byte
  // A snapshot is served again until it is that old.
  std::chrono::milliseconds fresh{200};
  std::size_t connections = 32;
  std::size_t connections_a_user = 8;  // on a Unix socket; root may have all
  std::size_t request_bytes = 8192;    // request line and headers
};

class Server {
 public:
  // `listening`: a stream socket, AF_UNIX or TCP, that listens (listen_at, or inherited); it is
  // closed in the end. `source` is called on the server's thread, which gets no signals; if it
  // throws, the answer is 500. Throws std::runtime_error.
  Server(int listening, Source source, const Limits& limits = {});
  ~Server();  // no more calls of `source`
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  class Http;
  std::unique_ptr<Http> http_;
};

}  // namespace jitcorral::metrics
