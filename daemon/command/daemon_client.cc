#include "command/daemon_client.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "collect/ring_reader.h"
#include "show/safe.h"
#include "store/image.h"

namespace jitcorral::command {
namespace {

using collect::Descriptor;

constexpr timeval kToConnect = {2, 0};  // a daemon that is stopped lets its backlog fill
constexpr timeval kToAnswer = {60, 0};  // a copy of a million events takes a while

std::vector<std::string> places() {
  std::vector<std::string> all;
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/')
    all.push_back(std::string(runtime) + "/jitcorral/query");
  all.emplace_back("/run/jitcorral/query");
  return all;
}

// No descriptor: nobody listens there.
Descriptor connect_to(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Descriptor();
  memcpy(address.sun_path, path.c_str(), path.size());
  Descriptor connection(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!connection) return connection;
  setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &kToConnect, sizeof kToConnect);
  setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &kToAnswer, sizeof kToAnswer);
  if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Descriptor();
  return connection;
}

std::runtime_error trouble(const std::string& path, const std::string& what) {
  return std::runtime_error(
      fmt::format("the daemon at {} {}; --db FILE reads a database instead", path, what));
}

Descriptor received(msghdr& message) {
  Descriptor found;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
       head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    memcpy(&fd, CMSG_DATA(head), sizeof fd);
    found = Descriptor(fd);
  }
  return found;
}

// The whole of a memory that nobody can change any more.
std::string contents(const std::string& path, int memory) {
  constexpr int kSealed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  struct stat info {};
  if ((fcntl(memory, F_GET_SEALS) & kSealed) != kSealed || fstat(memory, &info) != 0)
    throw trouble(path, "answered with memory that can still be changed");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > store::kLargestRead) throw trouble(path, "answered with more than 1 GiB");
  std::string bytes(size, '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n =
        pread(memory, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n <= 0) throw trouble(path, "answered with memory that can't be read");
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

store::Database asked(const std::string& path, int connection, model::Query query) {
  query.size = sizeof query;
  if (send(connection, &query, sizeof query, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof query))
    throw trouble(path, fmt::format("takes no question: {}", strerror(errno)));
  model::Answer answer;
  iovec part = {&answer, sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  const Descriptor memory = received(message);
  if (got < 0) throw trouble(path, fmt::format("does not answer: {}", strerror(errno)));
  if (got == 0) throw trouble(path, "ended before it answered");
  // One of another version may say less.
  if (got < 8 || answer.magic != model::Answer::kMagic)
    throw trouble(path, "answered what makes no sense");
  answer.reason[sizeof answer.reason - 1] = '\0';
  if (answer.status == model::Answer::Status::kTooMuch)
    throw store::TooMuch(trouble(path, "refuses: " + show::printable(answer.reason)).what());
  if (answer.status != model::Answer::Status::kDone)
    throw trouble(path, fmt::format("refuses: {}", show::printable(answer.reason)));
  if (!memory) throw trouble(path, "answered without what was asked for");
  return store::Database::open_image(contents(path, memory.get()), "the daemon's records");
}

}  // namespace

std::optional<store::Database> ask_daemon(const model::Query& query) {
  for (const std::string& path : places())
    if (const Descriptor connection = connect_to(path)) return asked(path, connection.get(), query);
  return std::nullopt;
}

}  // namespace jitcorral::command
