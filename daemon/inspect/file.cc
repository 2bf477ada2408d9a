#include "inspect/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace jitcorral::inspect {

std::optional<File> File::open(const std::string& path) {
  // Not blocking: a pipe or a terminal by that name must not hold us.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < 0) {
    close(fd);
    errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    return std::nullopt;
  }
  return File(fd, static_cast<std::uint64_t>(status.st_size));
}

File::File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

File::~File() {
  if (fd_ >= 0) close(fd_);
}

std::string File::bytes(std::uint64_t offset, std::size_t length) const {
  if (offset >= size_) return {};
  std::string out(static_cast<std::size_t>(std::min<std::uint64_t>(length, size_ - offset)), '\0');
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t n =
        pread(fd_, out.data() + have, out.size() - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // it was truncated meanwhile
    have += static_cast<std::size_t>(n);
  }
  out.resize(have);
  return out;
}

bool File::read(std::uint64_t offset, void* to, std::size_t length) const {
  if (offset > size_ || length > size_ - offset) return false;
  const std::string got = bytes(offset, length);
  if (got.size() != length) return false;
  std::copy(got.begin(), got.end(), static_cast<char*>(to));
  return true;
}

std::string contents(const std::string& path, std::size_t most) {
  const auto file = File::open(path);
  return file ? file->bytes(0, most) : std::string();
}

}  // namespace jitcorral::inspect
