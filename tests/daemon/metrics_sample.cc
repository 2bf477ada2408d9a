// A server with something to show, until standard input ends. Argument: where (metrics/address.h).
#include <unistd.h>

#include <cstdio>
#include <string>

#include "metrics/address.h"
#include "metrics/server.h"

int main(int argc, char** argv) {
  using namespace jitcorral::metrics;
  if (argc != 2) return 2;
  const Server server(listen_at(argv[1]), [] {
    Snapshot snapshot;
    for (int i = 0; i < 600; ++i) {
      Group& group =
          snapshot.groups.of("unit" + std::to_string(i) + ".service", "/usr/bin/python3");
      group.living = group.events = static_cast<std::uint64_t>(i);
      group.count_verdict("no-jit");
    }
    snapshot.groups.of("\xc3\xa4\"\\\n\xff.service", "\"}").placements[0] = 7;
    snapshot.daemon.version = "0.1.0";
    snapshot.daemon.started = 1.7e9;
    return snapshot;
  });
  std::puts("ready");
  std::fflush(stdout);
  char c = 0;
  while (read(STDIN_FILENO, &c, 1) > 0) continue;
}
