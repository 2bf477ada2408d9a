// The server under clients that behave, that do not, and that come in numbers.
#include "metrics/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <vector>

#include "metrics/address.h"
#include "metrics_scratch.h"

namespace jitcorral::metrics {
namespace {

using metrics_test::Client;
using metrics_test::Folder;
using metrics_test::kGet;
using namespace std::chrono_literals;

class MetricsServer : public testing::Test {
 protected:
  void serve(const Limits& limits = {.fresh = 0ms}) {
    server_.emplace(
        listen_at("unix:" + folder_.socket()),
        [this] {
          ++asked_;
          if (fails_) throw std::runtime_error("no");
          Snapshot snapshot;
          snapshot.groups.of("a.service", "x").events = 42;
          for (int i = 0; i < padding_; ++i) snapshot.groups.of("u" + std::to_string(i), "x");
          return snapshot;
        },
        limits);
  }
  std::string ask(std::string_view request = kGet) { return Client(folder_.socket()).ask(request); }
  static bool is_ok(const std::string& answer) {
    return answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\n") &&
           answer.find("jitcorral_events_total{unit=\"a.service\",executable=\"x\"} 42\n") !=
               std::string::npos;
  }

  // Asks until it is served: a short deadline may cut us too, on a busy machine.
  std::string served() {
    for (;;)
      if (std::string answer = ask(); is_ok(answer)) return answer;
  }

  Folder folder_;
  std::atomic<int> asked_ = 0;
  std::atomic<bool> fails_ = false;
  std::atomic<int> padding_ = 0;
  std::optional<Server> server_;
};

TEST_F(MetricsServer, AnswersWithTheText) {
  serve();
  const std::string answer = ask();
  EXPECT_TRUE(is_ok(answer)) << answer;
  EXPECT_NE(answer.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
            std::string::npos);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
}

TEST_F(MetricsServer, AsksForEachScrapeAnew) {
  serve();
  ask();
  ask();
  EXPECT_EQ(asked_, 2);
}

TEST_F(MetricsServer, AFloodOfScrapesSharesOneSnapshot) {
  server_.emplace(
      listen_at("unix:" + folder_.socket()),
      [this] {
        ++asked_;
        return Snapshot{};
      },
      Limits{.fresh = 1h});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(ask().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(asked_, 1);
}

TEST_F(MetricsServer, OtherPathsAndMethodsAreRefused) {
  serve();
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask("GET /metrics/../etc HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
  const std::string head = ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n")) << head;
  const std::string post =
      ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc");
  EXPECT_TRUE(post.starts_with("HTTP/1.1 405 ")) << post;
  EXPECT_NE(post.find("Allow: GET, HEAD\r\n"), std::string::npos);
}

TEST_F(MetricsServer, NonsenseIsAnsweredOrCut) {
  serve();
  for (const std::string& nonsense :
       {std::string("\r\n\r\n\r\n\r\n"), std::string("GET\r\n\r\n"), std::string(3, '\0'),
        "GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nX: " + std::string(100'000, 'y') + "\r\n\r\n",
        std::string("GET /metrics HTTP/9.9\r\n\r\n"), std::string("\x16\x03\x01\x02")}) {
    const Client client(folder_.socket());
    client.say(nonsense);
  }
  EXPECT_TRUE(is_ok(ask()));
}

TEST_F(MetricsServer, EndlessHeadersEnd) {
  serve();
  const Client client(folder_.socket());
  client.say("GET /metrics HTTP/1.1\r\n");
  std::size_t said = 0;
  while (said < (64u << 20) && client.say("X-More: and more and more and more\r\n")) said += 36;
  EXPECT_LT(said, 64u << 20);
  EXPECT_TRUE(is_ok(ask()));
}

TEST_F(MetricsServer, WhoSaysNothingIsCut) {
  serve({.deadline = 50ms, .fresh = 1h});
  EXPECT_EQ(Client(folder_.socket()).hear(), "");
}

TEST_F(MetricsServer, WhoDripsIsCut) {
  serve({.deadline = 50ms, .fresh = 1h});
  const Client client(folder_.socket());
  // Never idle: each byte comes at once after the one before, until the server will not have more.
  std::size_t said = 0;
  while (client.say("\n")) ++said;
  EXPECT_GT(said, 0u);
  served();
}

TEST_F(MetricsServer, WhoDoesNotReadIsCut) {
  padding_ = 499;
  serve({.deadline = 100ms, .fresh = 1h});
  const Client client(folder_.socket());
  client.say(kGet);
  const std::size_t all = served().size();  // others are served meanwhile
  // The rest is never sent: what comes is less than all.
  EXPECT_TRUE(client.is_closed_by_peer());
  EXPECT_LT(client.hear().size(), all);
}

TEST_F(MetricsServer, IdleConnectionsKeepNobodyOut) {
  serve({.deadline = 1h, .fresh = 0ms, .connections = 4});
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 100; ++i) {
    idle.push_back(std::make_unique<Client>(folder_.socket()));
    idle.back()->say("GET ");
  }
  EXPECT_TRUE(is_ok(ask()));
  EXPECT_EQ(idle.front()->hear(), "");  // the oldest had to go
}

TEST_F(MetricsServer, AFailingSourceIsAnErrorOfThatScrape) {
  serve();
  fails_ = true;
  EXPECT_TRUE(ask().starts_with("HTTP/1.1 500 "));
  fails_ = false;
  EXPECT_TRUE(is_ok(ask()));
}

TEST_F(MetricsServer, StopsWithClientsAtIt) {
  serve({.deadline = 1h, .fresh = 0ms});
  const Client idle(folder_.socket()), half(folder_.socket());
  half.say("GET /met");
  EXPECT_TRUE(is_ok(ask()));
  server_.reset();
  EXPECT_EQ(idle.hear(), "");
  EXPECT_THROW(Client(folder_.socket()), std::runtime_error);
}

TEST_F(MetricsServer, TakesAnInheritedTcpSocket) {
  const int fd = listen_at("127.0.0.1:0");
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const Server server(fd, [] { return Snapshot{}; });
  const int connected = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(connected, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_TRUE(Client(connected).ask(kGet).starts_with("HTTP/1.1 200 "));
}

TEST_F(MetricsServer, ADescriptorThatDoesNotListenIsRefused) {
  EXPECT_THROW(Server(open("/dev/null", O_RDWR | O_CLOEXEC), [] { return Snapshot{}; }),
               std::runtime_error);
}

}  // namespace
}  // namespace jitcorral::metrics
