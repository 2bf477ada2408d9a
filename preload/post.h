// One message to a recorder, on a connection of its own: made, sent and closed, without ever
// waiting. No descriptor is kept, so a host may close, count and reuse its own as it likes.
#pragma once

#include "jitcorral/hello.h"
#include "kernel.h"

namespace jitcorral::post {

// `fd`: goes along; -1: none.
KernelResult send(const char* socket_path, const Hello& hello, int fd = -1);

}  // namespace jitcorral::post
