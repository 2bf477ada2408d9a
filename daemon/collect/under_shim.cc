#include "collect/under_shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>

#include "collect/proc.h"
#include "jitcorral/ring.h"

namespace jitcorral::collect {
namespace {

constexpr std::string_view kShim = "libjitcorral.so";
constexpr std::string_view kMemory = "/memfd:";

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

// errno of a failure; the kernel gives it at open or at the first read.
int read_file(const std::string& path, std::string& text) {
  text.clear();
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  char part[16384];
  ssize_t n = 0;
  while ((n = read(fd, part, sizeof part)) > 0) text.append(part, static_cast<std::size_t>(n));
  const int error = n < 0 ? errno : 0;
  close(fd);
  return error;
}

// The path at the end of a line of maps; empty: none.
std::string_view path_of(std::string_view line) {
  const std::size_t slash = line.find('/');
  return slash == std::string_view::npos ? std::string_view() : line.substr(slash);
}

}  // namespace

bool read_maps(const std::string& maps, UnderShim& out) {
  std::string_view rest = maps;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    std::string_view path = path_of(line);
    if (path.starts_with(kMemory) && path.substr(kMemory.size()).starts_with(ring::kMemoryName))
      out.has_ring = true;
    constexpr std::string_view kDeleted = " (deleted)";  // it was updated since
    if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
    if (out.library.empty() && path.substr(path.rfind('/') + 1).starts_with(kShim))
      out.library = path;
  }
  return !out.library.empty();
}

Scan scan_processes() {
  Scan scan;
  const std::unique_ptr<DIR, CloseFolder> folder(opendir("/proc"));
  if (!folder) return scan;
  std::string maps;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view number = entry->d_name;
    UnderShim process;
    const auto [end, problem] =
        std::from_chars(number.data(), number.data() + number.size(), process.pid);
    if (problem != std::errc() || end != number.data() + number.size()) continue;
    const std::string place = "/proc/" + std::string(number);
    const int error = read_file(place + "/maps", maps);
    if (error == EACCES || error == EPERM) ++scan.closed;
    if (error != 0 || !read_maps(maps, process)) continue;
    struct stat info {};
    if (stat(place.c_str(), &info) != 0) continue;
    process.uid = info.st_uid;
    process.name = proc::name(process.pid);
    process.executable = proc::executable(process.pid);
    scan.found.push_back(std::move(process));
  }
  std::sort(scan.found.begin(), scan.found.end(),
            [](const UnderShim& a, const UnderShim& b) { return a.pid < b.pid; });
  return scan;
}

}  // namespace jitcorral::collect
