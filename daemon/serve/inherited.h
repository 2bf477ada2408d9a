// Descriptors that the service manager passed (sd_listen_fds_with_names(3)).
#pragma once

#include <vector>

#include "serve/keeper.h"

namespace jitcorral::serve {

struct Inherited {
  Descriptor hello, query, metrics;  // sockets that listen, by FileDescriptorName=
  std::vector<Kept> kept;            // from the file-descriptor store
};
Inherited take_inherited();

}  // namespace jitcorral::serve
