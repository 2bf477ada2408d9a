// What a jitcorrald is told to do.
#pragma once

#include <cstdint>
#include <string>

namespace jitcorral::serve {

struct Options {
  std::string socket;   // where processes say hello
  std::string query;    // where readers ask
  std::string metrics;  // "unix:PATH", "127.0.0.1:PORT", or "off"
  std::string database;
  bool for_everyone = false;  // other users' processes too: a system's daemon

  // What SIGHUP reads anew.
  unsigned retain_days = 30;                    // 0: for ever
  std::uint64_t retain_bytes = 2ULL << 30;      // 0: no bound
  unsigned rings_per_user = 2048;               // at one time; each costs two descriptors
  std::uint64_t events_per_second = 2'000'000;  // of one user; what is more waits in its rings
  std::string log_level = "info";
};

}  // namespace jitcorral::serve
