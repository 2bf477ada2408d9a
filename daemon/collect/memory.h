// The memory of another process, read without stopping it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "jitcorral/range.h"

namespace jitcorral::collect {

class ProcessMemory {
 public:
  explicit ProcessMemory(pid_t pid);
  ~ProcessMemory();
  ProcessMemory(const ProcessMemory&) = delete;
  ProcessMemory& operator=(const ProcessMemory&) = delete;

  // 0, or why it can't be read (errno).
  int error() const { return error_; }
  // All of the range; none if any of it can't be read. `sparse`: pages of anonymous memory that
  // were never written read as zeros without being touched.
  std::optional<std::vector<std::byte>> read(AddressRange range, bool sparse) const;

 private:
  bool read_into(AddressRange range, std::byte* to) const;
  // One entry a page; empty if the kernel does not show them.
  std::vector<bool> written_pages(AddressRange range) const;

  int memory_ = -1, pages_ = -1;
  int error_ = 0;
};

// Why `error` came of opening a process's memory, with what allows it: whose it is, what Yama says.
// One line.
std::string why_unreadable(pid_t pid, int error);

}  // namespace jitcorral::collect
