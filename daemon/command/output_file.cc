#include "command/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/output.h"

namespace jitcorral::command {
namespace {

int fail_on(const std::string& path) {
  return fail(fmt::format("can't write {}: {}", path, strerror(errno)));
}

// What is no regular file (a pipe, /dev/stdout) can't be replaced, only written to.
bool is_special(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
}

}  // namespace

int write_file(const std::string& path, std::string_view text) {
  if (path == "-") return print(text);
  const bool special = is_special(path);
  const std::string beside = special ? path : fmt::format("{}.{}.part", path, getpid());
  const int flags = special ? O_WRONLY : O_WRONLY | O_CREAT | O_EXCL;
  const int fd = open(beside.c_str(), flags | O_CLOEXEC, 0666);
  if (fd < 0) return fail_on(path);
  bool done = write_all(fd, text);
  const int error = errno;
  if (close(fd) != 0 && done) {
    done = false;
  } else if (!done) {
    errno = error;
  }
  if (!special && done) done = rename(beside.c_str(), path.c_str()) == 0;
  if (done) return 0;
  const int failed = fail_on(path);
  if (!special) unlink(beside.c_str());
  return failed;
}

}  // namespace jitcorral::command
