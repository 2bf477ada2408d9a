#include "serve/answers.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "model/query.h"
#include "store/image.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83  // Linux 6.16
#endif

namespace jitcorral::serve {
namespace {

using collect::Descriptor;
using model::Answer;
using model::Query;

// In memory that cannot be changed any more, so that the reader may trust what it checked.
Descriptor memory_of(const std::string& bytes) {
  Descriptor memory(memfd_create("jitcorral-image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory)
    throw std::runtime_error(std::string("no memory for the answer: ") + strerror(errno));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = write(memory.get(), bytes.data() + done, bytes.size() - done);
    if (n <= 0)
      throw std::runtime_error(std::string("no memory for the answer: ") + strerror(errno));
    done += static_cast<std::size_t>(n);
  }
  fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  return memory;
}

void send(int connection, const Answer& answer, int memory) {
  iovec part = {const_cast<Answer*>(&answer), sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof memory)] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (memory >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof memory);
    std::memcpy(CMSG_DATA(rights), &memory, sizeof memory);
  }
  sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool is_plausible(const Query& query, ssize_t got) {
  return got >= static_cast<ssize_t>(sizeof query) && query.magic == Query::kMagic &&
         query.what < Query::What::kCount && query.rows_only <= 1;
}

}  // namespace

Answers::Answers(std::unique_ptr<collect::Listener> listening, std::string database,
                 std::function<void()> refresh)
    : listening_(std::move(listening)),
      over_(eventfd(0, EFD_CLOEXEC)),
      database_(std::move(database)),
      refresh_(std::move(refresh)) {
  fcntl(listening_->fd(), F_SETFL, O_NONBLOCK);
  // A question brings no descriptors: they would be closed here, which takes as long as their
  // sender likes (collect/closer.h). An older kernel does not know how to refuse them.
  const int none = 0;
  setsockopt(listening_->fd(), SOL_SOCKET, SO_PASSRIGHTS, &none, sizeof none);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Answers::~Answers() {
  const std::uint64_t one = 1;
  if (write(over_.get(), &one, sizeof one) == sizeof one) thread_.join();
}

void Answers::work() {
  // A reader asks at once. Who connects and keeps silent holds up nobody, and there are not many.
  constexpr std::size_t kMostSilent = 64;
  constexpr std::chrono::seconds kPatience(5);
  struct Waiting {
    Descriptor connection;
    std::chrono::steady_clock::time_point since;
  };
  std::vector<Waiting> waiting;  // the oldest first
  for (;;) {
    std::vector<pollfd> entries = {{over_.get(), POLLIN, 0}, {listening_->fd(), POLLIN, 0}};
    for (const Waiting& one : waiting) entries.push_back({one.connection.get(), POLLIN, 0});
    if (poll(entries.data(), entries.size(), waiting.empty() ? -1 : 1000) < 0 && errno != EINTR)
      return;
    if ((entries[0].revents & POLLIN) != 0) return;
    const auto now = std::chrono::steady_clock::now();
    std::vector<Waiting> still;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (entries[i + 2].revents != 0)
        answer(waiting[i].connection.get());
      else if (now - waiting[i].since < kPatience)
        still.push_back(std::move(waiting[i]));
    }
    waiting = std::move(still);
    if (entries[1].revents == 0) continue;
    Descriptor connection(accept4(listening_->fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) {
      if (waiting.size() >= kMostSilent) waiting.erase(waiting.begin());
      waiting.push_back({std::move(connection), now});
    } else if (errno == EMFILE || errno == ENFILE) {
      poll(entries.data(), 1, 100);  // whoever holds the descriptors may let one go
    }
  }
}

void Answers::answer(int connection) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  Query query;
  const ssize_t got = recv(connection, &query, sizeof query, MSG_DONTWAIT);
  Answer answer;
  answer.size = sizeof answer;
  std::strncpy(answer.version, JITCORRAL_VERSION, sizeof answer.version - 1);
  Descriptor memory;
  try {
    if (!is_plausible(query, got)) throw std::runtime_error("no question of this version");
    refresh_();
    store::Wanted wanted;
    wanted.what = static_cast<store::Wanted::What>(query.what);
    wanted.number = query.number;
    wanted.rows_only = query.rows_only != 0;
    if (peer.uid != 0) wanted.uid = peer.uid;
    memory = memory_of(store::image_of(database_, wanted));
    answer.status = Answer::Status::kDone;
  } catch (const store::TooMuch& problem) {
    answer.status = Answer::Status::kTooMuch;
    std::strncpy(answer.reason, problem.what(), sizeof answer.reason - 1);
  } catch (const std::exception& problem) {
    std::strncpy(answer.reason, problem.what(), sizeof answer.reason - 1);
  }
  send(connection, answer, memory.get());
}

}  // namespace jitcorral::serve
