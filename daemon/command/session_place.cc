#include "command/session_place.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "command/commands.h"
#include "command/open_database.h"

namespace jitcorral::command {
namespace {

// SQLite's write-ahead log needs shared memory between its users, which these do not give.
bool is_on_network(const std::string& path) {
  constexpr long kNetworks[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, AFS_SUPER_MAGIC, CODA_SUPER_MAGIC,
                                V9FS_MAGIC,      0xff534d42,      0xfe534d42,      0x00c36400};
  struct statfs fs = {};
  for (std::filesystem::path at = path; !at.empty(); at = at.parent_path()) {
    if (statfs(at.c_str(), &fs) == 0) {
      for (const long network : kNetworks)
        if (fs.f_type == network) return true;
      return false;
    }
    if (at == at.parent_path()) break;
  }
  return false;
}

bool is_own_folder(const std::string& path) {
  struct stat s = {};
  return lstat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode) && s.st_uid == geteuid();
}

std::string runtime_folder() {
  const char* path = std::getenv("XDG_RUNTIME_DIR");
  return path != nullptr && *path == '/' && is_own_folder(path) ? path : "";
}

// A folder below /tmp that only we can write; the same one each time, so that `report` finds it.
std::string private_folder() {
  const std::string path = fmt::format("/tmp/jitcorral-{}", geteuid());
  mkdir(path.c_str(), 0700);
  struct stat s = {};
  const bool ours = is_own_folder(path) && lstat(path.c_str(), &s) == 0 && (s.st_mode & 077) == 0;
  if (ours) return path;
  std::string pattern = "/tmp/jitcorral-XXXXXX";
  return mkdtemp(pattern.data()) != nullptr ? pattern : "";
}

// No home folder is ever made: where there is none, none is wanted.
bool home_exists(const std::string& default_path) {
  constexpr std::string_view kBelow = "/.local/state/jitcorral/placements.db";
  if (!default_path.ends_with(kBelow)) return true;
  struct stat s = {};
  const std::string home = default_path.substr(0, default_path.size() - kBelow.size());
  return stat(home.empty() ? "/" : home.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

}  // namespace

Place open_place(const std::string& named) {
  Place place;
  const std::string first = named.empty() ? default_database() : named;
  std::string why;
  if (named.empty() && !home_exists(first)) {
    why = first + ": the home folder is not there";
  } else if (first.empty()) {
    why = "neither XDG_STATE_HOME nor a home folder is known";
  } else if (is_on_network(first)) {
    why = first + ": on a network file system, where SQLite's log does not work";
  } else {
    try {
      place.database = store::Database::open(first);
      return place;
    } catch (const std::exception& problem) {
      why = problem.what();
    }
  }
  if (!named.empty()) {
    place.note = why + "; nothing is recorded";
    return place;
  }
  std::vector<std::string> others;
  if (const std::string runtime = runtime_folder(); !runtime.empty())
    others.push_back(runtime + "/jitcorral/placements.db");
  if (const std::string folder = private_folder(); !folder.empty())
    others.push_back(folder + "/placements.db");
  for (const std::string& other : others) {
    try {
      place.database = store::Database::open(other);
      place.note = fmt::format("{}; recording into {} instead, read it by `jitcorral report{}`",
                               why, other, db_option(other));
      return place;
    } catch (const std::exception&) {
      continue;
    }
  }
  place.note = why + "; nothing is recorded";
  return place;
}

std::vector<std::string> socket_parents(bool for_everyone) {
  const char* temporary = std::getenv("TMPDIR");
  std::vector<std::string> parents = {runtime_folder(),
                                      temporary != nullptr && *temporary == '/' ? temporary : ""};
  std::erase_if(parents, [&](const std::string& path) {
    struct stat s = {};
    return path.empty() || stat(path.c_str(), &s) != 0 || !S_ISDIR(s.st_mode) ||
           (for_everyone && (s.st_mode & S_IXOTH) == 0);
  });
  parents.push_back("/tmp");
  return parents;
}

}  // namespace jitcorral::command
