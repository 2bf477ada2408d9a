#include "post.h"

#include <cstring>

#include "held.h"

namespace jitcorral::post {

KernelResult send(const char* socket_path, const Hello& hello, int fd) {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  for (std::size_t i = 0; i + 1 < sizeof address.sun_path && socket_path[i] != '\0'; ++i)
    address.sun_path[i] = socket_path[i];
  // Non-blocking: a recorder that is stopped, or whose queue is full, must not stop us.
  KernelResult r = kernel::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (!r.ok()) return r;
  const int connection = static_cast<int>(r.raw);
  held::keep(connection);
  r = kernel::connect(connection, address);
  if (r.ok()) {
    struct iovec body = {const_cast<Hello*>(&hello), sizeof hello};
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    struct msghdr message = {};
    message.msg_iov = &body;
    message.msg_iovlen = 1;
    if (fd >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      struct cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(sizeof fd);
      std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    r = kernel::sendmsg(connection, message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  held::close(connection);
  return r;
}

}  // namespace jitcorral::post
