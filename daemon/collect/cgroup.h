// Which service and which container a process belongs to, by its cgroup, which everybody may read
// and no process chooses for itself.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace jitcorral::collect {

struct Membership {
  std::string unit;       // "nginx.service", "session-3.scope"; empty: none
  std::string container;  // its id, 64 hexadecimal digits; empty: none
};

// From the text of /proc/PID/cgroup (cgroups(7)). Pure.
Membership membership_of(std::string_view text);
Membership membership_of(pid_t pid);

}  // namespace jitcorral::collect
