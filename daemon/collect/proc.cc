#include "collect/proc.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "inspect/privilege.h"

namespace jitcorral::collect::proc {
namespace {

std::string file_of(pid_t pid, const char* name) {
  return "/proc/" + (pid == 0 ? std::string("self") : std::to_string(pid)) + "/" + name;
}

std::optional<std::string> contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream all;
  // An empty file sets failbit; a read that fails in the middle sets badbit.
  all << file.rdbuf();
  if (all.bad() || file.bad()) return std::nullopt;
  return all.str();
}

std::optional<Mapping> parse(const std::string& line) {
  Mapping m;
  const char* end = line.data() + line.size();
  auto [dash, problem] = std::from_chars(line.data(), end, m.range.begin.value, 16);
  if (problem != std::errc() || dash == end || *dash != '-') return std::nullopt;
  auto [space, problem2] = std::from_chars(dash + 1, end, m.range.end.value, 16);
  if (problem2 != std::errc() || end - space < 5) return std::nullopt;
  m.permissions.assign(space + 1, 4);
  // Behind the permissions: offset, device, inode, and the name.
  const char* at = space + 5;
  for (int field = 0; field < 3; ++field) {
    while (at < end && *at == ' ') ++at;
    while (at < end && *at != ' ') ++at;
  }
  while (at < end && *at == ' ') ++at;
  m.name.assign(at, end);
  return m;
}

// struct pidfd_info of <linux/pidfd.h>, which the build's kernel headers may lack (Linux 6.13; the
// exit code since 6.15).
struct PidfdInfo {
  std::uint64_t mask, cgroupid;
  std::uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  std::int32_t exit_code;
};
constexpr std::uint64_t kInfoExit = 1U << 3;
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);

bool is_elf(int file, unsigned char of_class) {
  unsigned char ident[EI_NIDENT] = {};
  return pread(file, ident, sizeof ident, 0) == sizeof ident &&
         std::memcmp(ident, ELFMAG, SELFMAG) == 0 && ident[EI_CLASS] == of_class;
}

bool has_interpreter(int file) {
  Elf64_Ehdr header = {};
  if (!is_elf(file, ELFCLASS64) || pread(file, &header, sizeof header, 0) != sizeof header)
    return true;  // a script, or what this kernel knows how to start
  for (unsigned i = 0; i < header.e_phnum && i < 128; ++i) {
    Elf64_Phdr segment = {};
    if (pread(file, &segment, sizeof segment,
              static_cast<off_t>(header.e_phoff + i * sizeof segment)) != sizeof segment)
      return true;
    if (segment.p_type == PT_INTERP) return true;
  }
  return false;
}

// Of an opened executable.
std::string why_not_loadable_file(int file) {
  if (const std::string gains = inspect::gained_privilege(file); !gains.empty())
    return gains + ": the linker ignores it";
  if (is_elf(file, ELFCLASS32)) return "32-bit executable";
  if (!has_interpreter(file)) return "static executable";
  return {};
}

}  // namespace

std::optional<std::vector<Mapping>> mappings(pid_t pid) {
  const auto text = contents(file_of(pid, "maps"));
  if (!text || text->empty()) return std::nullopt;
  return mappings_in(*text);
}

std::vector<Mapping> mappings_in(const std::string& text) {
  std::vector<Mapping> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (auto mapping = parse(line)) all.push_back(*std::move(mapping));
  return all;
}

bool is_anonymous_code(const Mapping& m) {
  if (m.permissions.size() != 4 || m.permissions[2] != 'x') return false;
  constexpr std::string_view kNobodys[] = {
      "[anon:", "[anon_shmem:", "/memfd:", "/dev/zero", "/anon_hugepage", "/SYSV"};
  return m.name.empty() ||
         std::any_of(std::begin(kNobodys), std::end(kNobodys),
                     [&](std::string_view name) { return m.name.starts_with(name); });
}

namespace {

// The fields of /proc/PID/stat behind the name, which may hold anything; empty if it is gone.
std::string stat_behind_name(pid_t pid) {
  const std::string stat = contents(file_of(pid, "stat")).value_or("");
  const std::size_t name_end = stat.rfind(')');
  return name_end == std::string::npos || stat.size() < name_end + 3 ? ""
                                                                     : stat.substr(name_end + 2);
}

}  // namespace

State state(pid_t pid) {
  const std::string fields = stat_behind_name(pid);
  if (fields.empty() || fields[0] == 'X') return State::kGone;
  if (fields[0] == 'Z') return State::kZombie;
  // state ppid pgrp session tty tpgid flags: PF_EXITING of the kernel's <linux/sched.h>.
  constexpr unsigned long kExiting = 4;
  std::istringstream words(fields);
  std::string word;
  for (int i = 0; i < 7; ++i) words >> word;
  return (std::strtoul(word.c_str(), nullptr, 10) & kExiting) != 0 ? State::kEnding : State::kAlive;
}

std::uint64_t start_ticks(pid_t pid) {
  // The 22nd field of stat; the third is the first behind the name (proc(5)).
  std::istringstream words(stat_behind_name(pid));
  std::string word;
  for (int field = 3; field <= 22; ++field) words >> word;
  return words ? std::strtoull(word.c_str(), nullptr, 10) : 0;
}

std::string boot_id() {
  std::string id = contents("/proc/sys/kernel/random/boot_id").value_or("");
  if (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::string name(pid_t pid) {
  std::string text = contents(file_of(pid, "comm")).value_or("");
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::vector<pid_t> children(pid_t pid) {
  std::vector<pid_t> all;
  std::error_code ignored;
  for (const auto& task : std::filesystem::directory_iterator(file_of(pid, "task"), ignored)) {
    std::ifstream list(task.path() / "children");
    for (pid_t child = 0; list >> child;) all.push_back(child);
  }
  return all;
}

namespace {

// In the middle of an exec there is neither environment nor command line, and what was opened
// before it reads as empty after it; that takes no millisecond.
std::string environment_of(pid_t pid) {
  constexpr int kPatience = 100, kSure = 3;
  int empty = 0;
  for (int i = 0; i < kPatience && empty < kSure; ++i) {
    if (auto found = contents(file_of(pid, "environ")); found && !found->empty()) return *found;
    if (executable(pid).empty() || state(pid) != State::kAlive) break;
    if (contents(file_of(pid, "cmdline")).value_or("").empty())
      usleep(1000);
    else
      ++empty;
  }
  return "";
}

}  // namespace

std::vector<pid_t> started_with(const std::string& setting) {
  std::vector<pid_t> all;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid == 0 || pid == getpid()) continue;
    const std::string environment = '\0' + environment_of(pid);
    const std::size_t at = environment.find('\0' + setting);
    if (at == std::string::npos) continue;
    const char behind = environment[at + 1 + setting.size()];  // the string's own 0 at its end
    if (behind == '\0' || behind == ',') all.push_back(pid);
  }
  return all;
}

std::string executable(pid_t pid) {
  std::error_code ignored;
  return std::filesystem::read_symlink(file_of(pid, "exe"), ignored).string();
}

unsigned seccomp_filters(pid_t pid) {
  const std::string status = contents(file_of(pid, "status")).value_or("");
  const auto number = [&](const char* name) -> unsigned {
    const std::size_t at = status.find(name);
    return at == std::string::npos ? 0
                                   : static_cast<unsigned>(std::strtoul(
                                         status.c_str() + at + std::strlen(name), nullptr, 10));
  };
  if (number("\nSeccomp:") == 0) return 0;
  return std::max(1U, number("\nSeccomp_filters:"));
}

std::string why_not_loadable(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return {};
  std::string why = why_not_loadable_file(file);
  close(file);
  return why;
}

std::string why_not_loaded(pid_t pid, const std::string& shim) {
  if (std::string why = why_not_loadable(file_of(pid, "exe")); !why.empty()) return why;
  const auto environment = contents(file_of(pid, "environ"));
  if (!environment) return "may not be looked at";
  if (environment->find(shim) == std::string::npos)
    return "LD_PRELOAD was taken out of its environment";
  if (access(file_of(pid, ("root" + shim).c_str()).c_str(), F_OK) != 0)
    return "the library is not in its file system (a container or chroot)";
  return {};
}

Exit exit_from_status(int status) {
  Exit exit;
  if (WIFEXITED(status)) exit.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) exit.signal = WTERMSIG(status);
  return exit;
}

std::optional<Exit> exit_of(int pidfd, pid_t pid, bool may_look) {
  PidfdInfo info = {};
  info.mask = kInfoExit;
  if (pidfd >= 0 && ioctl(pidfd, kGetInfo, &info) == 0 && (info.mask & kInfoExit) != 0)
    return exit_from_status(info.exit_code);
  // A zombie's status is the last field of its stat line, for those who may trace it. As long as
  // the descriptor finds it, the pid is nobody else's.
  const auto is_still_there = [&] { return syscall(SYS_pidfd_send_signal, pidfd, 0, 0, 0) == 0; };
  if (pidfd < 0 || !may_look || !is_still_there()) return std::nullopt;
  const std::string fields = stat_behind_name(pid);
  if (fields.empty() || fields[0] != 'Z' || !is_still_there()) return std::nullopt;
  return exit_from_status(std::atoi(fields.c_str() + fields.find_last_of(' ') + 1));
}

}  // namespace jitcorral::collect::proc
