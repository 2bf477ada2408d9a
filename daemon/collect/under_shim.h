// Which processes have the shim mapped, as /proc shows it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace jitcorral::collect {

struct UnderShim {
  pid_t pid = 0;
  uid_t uid = 0;
  std::string name;        // as everybody may see it
  std::string executable;  // path; empty: not known
  std::string library;     // path of the shim
  bool has_ring = false;   // it records: its JIT made calls
};

struct Scan {
  std::vector<UnderShim> found;  // by pid
  std::uint64_t closed = 0;      // processes that may not be looked at: other users', or undumpable
};

Scan scan_processes();

// What the text of /proc/PID/maps says: whether the shim is there, and a ring.
bool read_maps(const std::string& maps, UnderShim& out);

}  // namespace jitcorral::collect
