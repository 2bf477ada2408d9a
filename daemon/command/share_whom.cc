#include "command/share_whom.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace jitcorral::command {
namespace {

void add_account(show::Sharing& sharing, uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char texts[4096];
  if (getpwuid_r(uid, &entry, texts, sizeof texts, &found) != 0 || found == nullptr) return;
  sharing.add_user(entry.pw_name);
  // Accounts of services have homes that are nobody's: / and /usr/sbin, say.
  if (uid == 0 || uid >= 1000) sharing.add_home(entry.pw_dir);
}

}  // namespace

show::Sharing share_whom(std::span<const std::uint32_t> users) {
  show::Sharing sharing;
  if (const char* const home = std::getenv("HOME")) sharing.add_home(home);
  for (const char* name : {"USER", "LOGNAME", "SUDO_USER"})
    if (const char* const value = std::getenv(name)) sharing.add_user(value);
  add_account(sharing, getuid());
  add_account(sharing, geteuid());
  for (const std::uint32_t uid : users) add_account(sharing, uid);
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) == 0) sharing.add_host(host);
  return sharing;
}

}  // namespace jitcorral::command
