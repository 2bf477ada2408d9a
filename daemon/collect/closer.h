// Closes descriptors that somebody sent. What is behind one is the sender's choice, and to close it
// may wait for him: a socket that lingers, a file in a file system of his own, gigabytes of memory
// to be freed. So what is no ring is closed by a thread that nobody waits for; it begins with the
// first that there is.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>

#include "collect/ring_reader.h"

namespace jitcorral::collect {

class Closer {
 public:
  Closer() = default;
  // What still waits then is closed by the thread, or by the process's end.
  ~Closer();
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;

  // In a forked process: the thread is the parent's, and so is what it closes.
  void forget();
  void close(Descriptor descriptor, uid_t sender);
  // How many of that user's are not closed yet.
  std::size_t waiting(uid_t sender) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace jitcorral::collect
