// What this process says of itself to a recorder, and where that listens.
#pragma once

#include <atomic>

#include "jitcorral/hello.h"
#include "kernel.h"

namespace jitcorral::greeting {

// Written by the constructor, by the thread that opens a ring and in forked children: by one at a
// time.
extern Hello hello;
// Where the recorder listens; null: none was found yet.
extern std::atomic<const char*> recorder_socket;

void fill_in();
// Looks for a recorder's socket: by the kind of call that let the process start, and no other.
bool find_socket();
KernelResult say(Hello::Subject subject, int fd = -1);
// The same, with a ring: to the system's recorder if the user's own has died.
KernelResult offer(int fd);
// There are events. Any thread may.
KernelResult ring_doorbell();
// ... as the process that said `hello` last.
void prepare_doorbell();

// Why a message did not arrive: nobody listens there, which is no news.
constexpr bool is_nobody(int error) {
  return error == ECONNREFUSED || error == ENOENT;
}
// ... or the recorder, the kernel or the host has no room for it just now.
constexpr bool is_busy(int error) {
  return error == EAGAIN || error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS ||
         error == EMFILE || error == ENFILE;
}
// ... or the recorder died a moment ago.
constexpr bool is_gone(int error) {
  return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

}  // namespace jitcorral::greeting
