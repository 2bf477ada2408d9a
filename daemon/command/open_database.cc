#include "command/open_database.h"

#include <errno.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <stdexcept>

#include "command/commands.h"

namespace jitcorral::command {

std::string db_option(const std::string& path) {
  if (path.empty()) return "";
  constexpr std::string_view kPlain =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_./+:@%=,-";
  if (path.find_first_not_of(kPlain) == std::string::npos) return " --db " + path;
  std::string quoted;
  for (const char c : path) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return " --db '" + quoted + '\'';
}

store::Database open_database(const std::string& given) {
  const std::string path = given.empty() ? default_database() : given;
  if (path.empty())
    throw std::runtime_error(
        "there is no place for a database: neither XDG_STATE_HOME nor a home folder is known; name "
        "one by --db FILE");
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR))
    throw std::runtime_error(fmt::format(
        "no database at {}: make one with `jitcorral run{} -- CMD`", path, db_option(given)));
  return store::Database::open_readonly(path);
}

}  // namespace jitcorral::command
