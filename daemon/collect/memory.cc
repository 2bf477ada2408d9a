#include "collect/memory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "collect/proc.h"

namespace jitcorral::collect {
namespace {

int open_of(pid_t pid, const char* name) {
  return open(("/proc/" + std::to_string(pid) + "/" + name).c_str(), O_RDONLY | O_CLOEXEC);
}

// Yama's kernel.yama.ptrace_scope; -1: not there.
int ptrace_scope() {
  std::ifstream file("/proc/sys/kernel/yama/ptrace_scope");
  int scope = -1;
  return file >> scope ? scope : -1;
}

std::optional<uid_t> owner_of(pid_t pid) {
  // Of /proc/PID itself: root where the process is not dumpable.
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("Uid:")) return static_cast<uid_t>(std::strtoul(&line[4], nullptr, 10));
  return std::nullopt;
}

}  // namespace

ProcessMemory::ProcessMemory(pid_t pid)
    : memory_(open_of(pid, "mem")), error_(memory_ < 0 ? errno : 0) {
  pages_ = open_of(pid, "pagemap");
}

ProcessMemory::~ProcessMemory() {
  if (memory_ >= 0) close(memory_);
  if (pages_ >= 0) close(pages_);
}

bool ProcessMemory::read_into(AddressRange range, std::byte* to) const {
  for (std::uint64_t done = 0; done < range.size().count;) {
    const ssize_t n = pread(memory_, to + done, range.size().count - done,
                            static_cast<off_t>(range.begin.value + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::uint64_t>(n);
  }
  return true;
}

std::vector<bool> ProcessMemory::written_pages(AddressRange range) const {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::vector<std::uint64_t> entries(range.size().count / page);
  const std::size_t bytes = entries.size() * sizeof entries[0];
  if (pages_ < 0 || bytes == 0 || range.size().count % page != 0 ||
      pread(pages_, entries.data(), bytes,
            static_cast<off_t>(range.begin.value / page * sizeof entries[0])) !=
          static_cast<ssize_t>(bytes))
    return {};
  std::vector<bool> written;
  // Bits 63 and 62: in memory, in swap (Documentation/admin-guide/mm/pagemap.rst).
  for (const std::uint64_t entry : entries) written.push_back((entry >> 62) != 0);
  return written;
}

std::optional<std::vector<std::byte>> ProcessMemory::read(AddressRange range, bool sparse) const {
  std::vector<std::byte> bytes(range.size().count);
  const std::vector<bool> written = sparse ? written_pages(range) : std::vector<bool>{};
  if (written.empty()) {
    if (!read_into(range, bytes.data())) return std::nullopt;
    return bytes;
  }
  const Bytes page = range.size() / written.size();
  for (std::size_t i = 0; i < written.size();) {
    if (!written[i]) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < written.size() && written[end]) ++end;
    const AddressRange run = {range.begin + Bytes{i * page.count},
                              range.begin + Bytes{end * page.count}};
    if (!read_into(run, bytes.data() + i * page.count)) return std::nullopt;
    i = end;
  }
  return bytes;
}

std::string why_unreadable(pid_t pid, int error) {
  const std::string of = "the memory of process " + std::to_string(pid);
  if (error == ENOENT || error == ESRCH || proc::state(pid) == proc::State::kGone)
    return "there is no process " + std::to_string(pid);
  if (error != EACCES && error != EPERM) return of + " can't be read: " + std::strerror(error);
  const auto owner = owner_of(pid);
  if (owner && geteuid() != 0 && *owner != geteuid())
    return of + " belongs to uid " + std::to_string(*owner) + ", and this is uid " +
           std::to_string(geteuid()) + ": accepted: that user, or root (sudo)";
  if (const int scope = ptrace_scope(); scope > 0 && geteuid() != 0)
    return of + " may not be read: kernel.yama.ptrace_scope is " + std::to_string(scope) +
           (scope == 1   ? " (of descendants only): `sudo jitcorral audit`, or `sudo sysctl "
                           "kernel.yama.ptrace_scope=0` for all of this machine"
            : scope == 2 ? " (of root only): `sudo jitcorral audit`"
                         : " (of nobody, until the next boot)");
  return of +
         " may not be read: it is protected (set-uid, PR_SET_DUMPABLE, another user namespace, a "
         "security module), or this container lacks CAP_SYS_PTRACE";
}

}  // namespace jitcorral::collect
