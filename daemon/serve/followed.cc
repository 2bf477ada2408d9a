#include "serve/followed.h"

#include <cinttypes>
#include <cstdio>

namespace jitcorral::serve {

std::string Followed::name() const {
  char text[128];
  std::snprintf(text, sizeof text, "ring.%016" PRIx64 ".%d.%u.%" PRIu64, identity, pid, uid,
                run.start_ticks);
  return text;
}

std::optional<Named> parse_name(const std::string& name) {
  Named named;
  int end = 0;
  if (std::sscanf(name.c_str(), "ring.%16" SCNx64 ".%d.%u.%" SCNu64 "%n", &named.identity,
                  &named.pid, &named.uid, &named.start_ticks, &end) != 4 ||
      static_cast<std::size_t>(end) != name.size() || named.pid <= 0)
    return std::nullopt;
  return named;
}

}  // namespace jitcorral::serve
