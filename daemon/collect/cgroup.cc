#include "collect/cgroup.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace jitcorral::collect {
namespace {

constexpr std::size_t kIdLength = 64;
// cgroups nest, and a hostile path may be long.
constexpr std::size_t kLongest = 4096;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// The first 64 hexadecimal digits that stand for themselves: docker/ID, docker-ID.scope,
// libpod-ID.scope, cri-containerd-ID.scope, kubepods/.../ID.
std::string container_in(std::string_view path) {
  std::size_t run = 0;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && is_hex(path[i])) {
      ++run;
      continue;
    }
    if (run == kIdLength) return std::string(path.substr(i - kIdLength, kIdLength));
    run = 0;
  }
  return {};
}

// The innermost unit of systemd's.
std::string unit_in(std::string_view path) {
  std::string unit;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part.size() <= 256 && (part.ends_with(".service") || part.ends_with(".scope"))) unit = part;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return unit;
}

}  // namespace

Membership membership_of(std::string_view text) {
  Membership found;
  text = text.substr(0, kLongest);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    // hierarchy:controllers:path. systemd's is the unified one (0::), or the named one.
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    if (found.container.empty()) found.container = container_in(path);
    if (found.unit.empty() && (controllers.empty() || controllers == "name=systemd"))
      found.unit = unit_in(path);
  }
  return found;
}

Membership membership_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cgroup", std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return membership_of(text.str());
}

}  // namespace jitcorral::collect
