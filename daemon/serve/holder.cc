// The process that keeps descriptors where no service manager does. It knows nothing of what it
// keeps, reads no ring, and has next to no code that could fail.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "serve/keeper.h"
#include "serve/parcel.h"

namespace jitcorral::serve {
namespace {

// Without a daemon it waits this long for the next one.
constexpr int kPatience = 3600 * 1000;  // milliseconds

using Store = std::map<std::string, std::vector<Descriptor>>;

std::vector<int> numbers_of(const std::vector<Descriptor>& descriptors) {
  std::vector<int> numbers;
  for (const Descriptor& descriptor : descriptors) numbers.push_back(descriptor.get());
  return numbers;
}

bool is_own(int connection) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == geteuid();
}

// One daemon until it is gone; what it says is done at once.
void serve_daemon(int connection, Store& store) {
  while (auto parcel = receive_parcel(connection)) {
    switch (parcel->what) {
      case Parcel::What::kKeep:
        store[parcel->name] = std::move(parcel->descriptors);
        break;
      case Parcel::What::kForget:
        store.erase(parcel->name);
        break;
      case Parcel::What::kList:
        for (const auto& [name, descriptors] : store)
          if (!send_parcel(connection, Parcel::What::kEntry, name, numbers_of(descriptors))) return;
        if (!send_parcel(connection, Parcel::What::kLast)) return;
        break;
      case Parcel::What::kBarrier:
        if (!send_parcel(connection, Parcel::What::kBarrier)) return;
        break;
      case Parcel::What::kEntry:
      case Parcel::What::kLast:
        return;
    }
  }
}

}  // namespace

int hold(const std::string& path, Descriptor ready) {
  // It outlives terminals, sessions and the daemon that started it.
  setsid();
  for (const int signal : {SIGHUP, SIGINT, SIGPIPE}) ::signal(signal, SIG_IGN);
  sigset_t none;  // the daemon's mask came along
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // Whoever reads what the daemon says sees its end.
  if (const Descriptor null(open("/dev/null", O_RDWR | O_CLOEXEC)); null)
    for (int stream = 0; stream <= 2; ++stream) dup2(null.get(), stream);
  if (chdir("/") != 0) return 1;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return 1;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const Descriptor listening(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  // Who starts a holder has found that nobody answers at this path.
  unlink(path.c_str());
  const mode_t mask = umask(0177);
  const bool bound =
      bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      listen(listening.get(), 8) == 0;
  umask(mask);
  if (!bound) return 1;
  struct stat made = {};
  stat(path.c_str(), &made);
  ready = {};
  Store store;
  for (;;) {
    pollfd entry = {listening.get(), POLLIN, 0};
    const int news = poll(&entry, 1, kPatience);
    if (news < 0 && errno == EINTR) continue;
    if (news <= 0) break;
    const Descriptor connection(accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection || !is_own(connection.get())) continue;
    serve_daemon(connection.get(), store);
    // Unless the next daemon waits already, behind one that found itself the second.
    if (store.empty() && poll(&entry, 1, 0) == 0) break;
  }
  // A newer holder may have taken the place meanwhile.
  struct stat now = {};
  if (stat(path.c_str(), &now) == 0 && now.st_ino == made.st_ino) unlink(path.c_str());
  return 0;
}

}  // namespace jitcorral::serve
