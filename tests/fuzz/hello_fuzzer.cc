// A message by somebody, over a real socket: with a descriptor, with several, with none.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "collect/fill_in.h"
#include "collect/listener.h"
#include "input.h"

namespace jitcorral::fuzz {
namespace {

using collect::Descriptor;

void send(int socket, std::span<const std::uint8_t> bytes, unsigned descriptors, int fd) {
  iovec body = {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &body;
  header.msg_iovlen = 1;
  if (descriptors > 0) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
    cmsghdr* const c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
    for (unsigned i = 0; i < descriptors; ++i)
      std::memcpy(CMSG_DATA(c) + i * sizeof fd, &fd, sizeof fd);
  }
  sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void hear(collect::Listener& listener, Input input) {
  const auto kind = input.take<std::uint8_t>();
  const unsigned descriptors = kind % 4 == 3 ? 16 : kind % 4;
  static const Descriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  listener.path().copy(address.sun_path, sizeof address.sun_path - 1);
  const Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  check(connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
        "a connection is had");
  const std::string bytes = input.all();
  send(socket.get(), {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
       descriptors, null.get());
  while (const auto message = listener.receive()) {
    check(message->pid == getpid(), "the sender is who the kernel says");
    check(message->hello.subject < Hello::Subject::kCount, "a message's subject is known");
    check((message->hello.subject == Hello::Subject::kRing) == static_cast<bool>(message->ring),
          "a ring comes with kRing alone");
    model::Run run;
    collect::fill_in(run, message->hello);
    check(run.executable.size() <= sizeof message->hello.executable &&
              run.version.size() <= sizeof message->hello.version,
          "texts end");
    check(run.isa < Isa::kCount && run.mode <= Mode::kScatter, "enumerations are in range");
  }
}

}  // namespace
}  // namespace jitcorral::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jitcorral;
  static collect::Listener listener(std::filesystem::temp_directory_path().string(), false);
  fuzz::hear(listener, fuzz::Input(data, size));
  return 0;
}
