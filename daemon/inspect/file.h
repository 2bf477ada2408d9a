// Files that nobody trusts: only regular ones are opened, every read has bounds, nothing is mapped
// (a file that is truncated meanwhile would be a SIGBUS).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace jitcorral::inspect {

class File {
 public:
  // Nothing where there is no regular file that can be read; errno says why (EINVAL: not regular).
  static std::optional<File> open(const std::string& path);
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;
  ~File();

  int descriptor() const { return fd_; }
  std::uint64_t size() const { return size_; }
  // All of [offset, offset + length), or false.
  bool read(std::uint64_t offset, void* to, std::size_t length) const;
  // As much of it as there is, `length` at most.
  std::string bytes(std::uint64_t offset, std::size_t length) const;

 private:
  File(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  int fd_;
  std::uint64_t size_;
};

// The first `most` bytes of a text; empty if it can't be read.
std::string contents(const std::string& path, std::size_t most);

}  // namespace jitcorral::inspect
