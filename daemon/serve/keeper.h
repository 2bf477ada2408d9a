// Who keeps the descriptors of rings while a daemon is dead. A host keeps none, so a ring whose
// last descriptor goes is lost to the next daemon.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collect/ring_reader.h"

namespace jitcorral::serve {

using collect::Descriptor;

// A name and what was kept under it, in the order it was given.
struct Kept {
  std::string name;  // of letters, digits, '.' and '-'; 200 at most
  std::vector<Descriptor> descriptors;
};

class Keeper {
 public:
  virtual ~Keeper() = default;
  // Takes copies. Safe only after the next settle().
  virtual void keep(const std::string& name, const std::vector<int>& descriptors) = 0;
  virtual void forget(const std::string& name) = 0;
  // Waits until all that was said has arrived; false: it may be lost with us.
  virtual bool settle() = 0;
  // After settle() has failed: whether there is a new one, which keeps nothing yet.
  virtual bool revive() { return false; }
  // What was kept by an earlier daemon. Once, at start.
  virtual std::vector<Kept> restore() = 0;
  virtual const char* what() const = 0;
};

// systemd's file-descriptor store (sd_notify(3), FDSTORE=1); null if the service manager offers
// none. `inherited`: descriptors that were passed and are no sockets of ours, by name.
std::unique_ptr<Keeper> make_fd_store(std::vector<Kept> inherited);
// A process of its own that listens at `path`; started if there is none. Throws std::runtime_error.
std::unique_ptr<Keeper> make_holder(const std::string& path);
// That process: serves until nobody needs it any more. `ready`: closed when it listens.
int hold(const std::string& path, Descriptor ready);

}  // namespace jitcorral::serve
