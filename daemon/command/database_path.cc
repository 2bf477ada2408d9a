#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "command/commands.h"

namespace jitcorral::command {
namespace {

// The XDG base directory specification: what is not absolute is as good as unset.
std::string absolute(const char* path) {
  return path != nullptr && *path == '/' ? path : "";
}

std::string home() {
  std::string path = absolute(std::getenv("HOME"));
  if (!path.empty()) return path;
  passwd entry{};
  passwd* found = nullptr;
  char texts[4096];
  if (getpwuid_r(geteuid(), &entry, texts, sizeof texts, &found) != 0 || found == nullptr)
    return "";
  return absolute(entry.pw_dir);
}

}  // namespace

std::string default_database() {
  std::string folder = absolute(std::getenv("XDG_STATE_HOME"));
  if (folder.empty()) {
    folder = home();
    if (folder.empty()) return "";
    folder += "/.local/state";
  }
  return folder + "/jitcorral/placements.db";
}

}  // namespace jitcorral::command
