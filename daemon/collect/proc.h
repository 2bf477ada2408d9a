// What /proc and pidfds say of a process. Processes come and go: every answer may be empty.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "jitcorral/range.h"

namespace jitcorral::collect::proc {

// One line of /proc/PID/maps.
struct Mapping {
  AddressRange range;
  std::string permissions;  // "r-xp"
  std::string name;         // path, "[heap]", or empty
};
// Nothing if the process is gone or may not be looked at.
std::optional<std::vector<Mapping>> mappings(pid_t pid);
// The lines of such a file that are mappings.
std::vector<Mapping> mappings_in(const std::string& text);
// Whether a mapping is executable memory that no file of the host's explains: anonymous, or a
// memfd.
bool is_anonymous_code(const Mapping& mapping);

// kEnding: on its way out; its memory is going or gone, which takes long where there is much of it.
enum class State { kGone, kZombie, kEnding, kAlive };
State state(pid_t pid);
// When it was started, in clock ticks since boot: tells apart two processes that had one pid. 0: it
// is gone.
std::uint64_t start_ticks(pid_t pid);
// What tells this boot of the machine from others; empty where the kernel does not say.
std::string boot_id();
// The name that everybody may see.
std::string name(pid_t pid);

// Processes that live and were started with `setting` ("NAME=VALUE", or with more behind a comma)
// in their environment, of those that we may look at; not ourselves. A fork has what its parent was
// started with.
std::vector<pid_t> started_with(const std::string& setting);
// All threads' children.
std::vector<pid_t> children(pid_t pid);
std::string executable(pid_t pid);
// Seccomp filters in force; of ourselves with pid 0.
unsigned seccomp_filters(pid_t pid);

// Why the shim at `shim` is not loaded in this living process; empty if nothing tells.
std::string why_not_loaded(pid_t pid, const std::string& shim);
// The same of a program that was not started yet; empty if it would be loaded.
std::string why_not_loadable(const std::string& path);

// How a process ended, that is not our child.
struct Exit {
  std::optional<int> code;
  std::optional<int> signal;
};
// Nothing as long as the kernel does not say (Linux before 6.15: never, once the zombie is gone).
// `may_look`: we may trace it; to others a zombie's stat line says 0, whatever it ended with.
std::optional<Exit> exit_of(int pidfd, pid_t pid, bool may_look = true);
// From a wait status.
Exit exit_from_status(int status);

}  // namespace jitcorral::collect::proc
