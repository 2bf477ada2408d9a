#include "seccomp_status.h"

#include <cstring>
#include <string_view>

#include "held.h"
#include "jitcorral/glob.h"

namespace jitcorral::seccomp {
namespace {

// The number behind a name in the text of a status file, as far as the text goes.
struct Found {
  bool found = false;
  unsigned number = 0;
};
Found number_behind(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  Found found{true, 0};
  for (const char c : behind(text, at + name.size())) {
    if (c >= '0' && c <= '9')
      found.number = found.number * 10 + static_cast<unsigned>(c - '0');
    else if (c != '\t' && c != ' ')
      break;
  }
  return found;
}

}  // namespace

unsigned filters_in_force() {
  KernelResult file = kernel::open_readonly("/proc/thread-self/status");
  if (!file.ok()) file = kernel::open_readonly("/proc/self/status");  // Linux before 3.17
  if (!file.ok())
    return 0;  // no /proc: as many sandboxes have it, but those are the host's to know
  const int fd = static_cast<int>(file.raw);
  held::keep(fd);
  // A process in many groups has a long file: read in pieces that share a line's length.
  constexpr std::size_t kShared = 64;
  char text[512];
  std::size_t kept = 0;
  Found mode, filters;
  // By position: if another thread closed it and opened a pipe by this number, a read would wait.
  constexpr std::uint64_t kLongest = 1 << 20;
  for (std::uint64_t at = 0; at < kLongest;) {
    const KernelResult r = kernel::pread(fd, text + kept, sizeof text - kept, at);
    if (!r.ok() || r.raw == 0) break;
    at += static_cast<std::uint64_t>(r.raw);
    const std::string_view seen(text, kept + static_cast<std::size_t>(r.raw));
    // The last bytes of a piece may be half a number; they come once more with the next.
    if (const Found found = number_behind(seen, "\nSeccomp:"); found.found) mode = found;
    if (const Found found = number_behind(seen, "\nSeccomp_filters:"); found.found)
      filters = found;  // Linux 5.9
    kept = seen.size() < kShared ? seen.size() : kShared;
    std::memmove(text, seen.data() + seen.size() - kept, kept);
  }
  held::close(fd);
  return mode.number == 0 ? 0 : (filters.number > 1 ? filters.number : 1);
}

}  // namespace jitcorral::seccomp
