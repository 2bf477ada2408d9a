#include "serve/inherited.h"

#include <fcntl.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>

namespace jitcorral::serve {

Inherited take_inherited() {
  Inherited inherited;
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    Descriptor fd(SD_LISTEN_FDS_START + i);
    const std::string name = names != nullptr && names[i] != nullptr ? names[i] : "";
    // A socket unit without names has one socket, and it is the hellos'.
    if (name == "query") {
      inherited.query = std::move(fd);
    } else if (name == "metrics") {
      inherited.metrics = std::move(fd);
    } else if (sd_is_socket(fd.get(), 0, 0, 1) > 0) {
      fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
      inherited.hello = std::move(fd);
    } else if (!inherited.kept.empty() && inherited.kept.back().name == name) {
      inherited.kept.back().descriptors.push_back(std::move(fd));
    } else {
      inherited.kept.emplace_back();
      inherited.kept.back().name = name;
      inherited.kept.back().descriptors.push_back(std::move(fd));
    }
    if (names != nullptr) free(names[i]);
  }
  free(static_cast<void*>(names));
  return inherited;
}

}  // namespace jitcorral::serve
