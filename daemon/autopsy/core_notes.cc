// The notes of a core: <sys/procfs.h> and <linux/elfcore.h> of either ISA, by offsets, since the
// reader's own headers know one.
#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "autopsy/core_file.h"

namespace jitcorral::autopsy {
namespace {

constexpr std::size_t kMostThreads = 65536;
constexpr std::uint64_t kMostFiles = 1 << 20;
constexpr std::size_t kLongestPath = 4096;

using Bytes_ = std::span<const std::byte>;

template <typename T>
T at(Bytes_ bytes, std::size_t offset) {  // zero beyond the end
  T value{};
  if (offset <= bytes.size() && bytes.size() - offset >= sizeof value)
    std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string text(Bytes_ bytes, std::size_t offset, std::size_t most) {
  if (offset >= bytes.size()) return {};
  const auto* begin = reinterpret_cast<const char*>(bytes.data()) + offset;
  const std::size_t size = std::min(most, bytes.size() - offset);
  return {begin, strnlen(begin, size)};
}

// struct elf_prstatus: both ISAs have the same up to the registers.
constexpr std::size_t kSignal = 12, kId = 32, kRegisterFile = 112;

std::optional<Thread> thread_of(Bytes_ d, Isa isa) {
  const bool x86 = isa == Isa::kX86_64;
  if (d.size() < kRegisterFile + (x86 ? 27U : 34U) * 8) return std::nullopt;
  Thread thread;
  thread.id = at<std::int32_t>(d, kId);
  thread.signal = at<std::int16_t>(d, kSignal);
  if (thread.signal == 0) thread.signal = at<std::int32_t>(d, 0);
  const auto reg = [&](std::size_t n) { return at<std::uint64_t>(d, kRegisterFile + 8 * n); };
  if (!x86) {
    for (std::size_t n = 0; n < 32; ++n) thread.registers.general[n] = reg(n);
    thread.pc = {reg(32)};
    return thread;
  }
  // user_regs_struct: where each register is, as instructions number them.
  constexpr std::size_t kAt[] = {10, 11, 12, 5, 19, 4, 13, 14, 9, 8, 7, 6, 3, 2, 1, 0};
  for (std::size_t n = 0; n < std::size(kAt); ++n) thread.registers.general[n] = reg(kAt[n]);
  thread.pc = {reg(16)};
  thread.registers.fs = reg(21);
  thread.registers.gs = reg(22);
  return thread;
}

bool take_files(Bytes_ d, Notes& notes) {
  const auto count = at<std::uint64_t>(d, 0), page = at<std::uint64_t>(d, 8);
  if (d.size() < 16 || count > kMostFiles || count > (d.size() - 16) / 24 || page == 0 ||
      page > (1U << 30))
    return false;
  std::vector<MappedFile> files;
  std::size_t names = 16 + static_cast<std::size_t>(count) * 24;
  for (std::size_t i = 0; i < count; ++i) {
    MappedFile file;
    file.range = {{at<std::uint64_t>(d, 16 + i * 24)}, {at<std::uint64_t>(d, 24 + i * 24)}};
    const auto pages = at<std::uint64_t>(d, 32 + i * 24);
    if (names >= d.size()) return false;
    file.path = text(d, names, kLongestPath);
    names += file.path.size() + 1;
    if (file.range.empty() || pages > UINT64_MAX / page) return false;
    file.offset = pages * page;
    files.push_back(std::move(file));
  }
  notes.files = std::move(files);
  notes.has_files = true;
  return true;
}

void take_auxiliary(Bytes_ d, Auxiliary& out) {
  for (std::size_t i = 0; i + 16 <= d.size(); i += 16) {
    const auto value = at<std::uint64_t>(d, i + 8);
    switch (at<std::uint64_t>(d, i)) {
      case AT_NULL:
        return;
      case AT_PHDR:
        out.phdr = value;
        break;
      case AT_BASE:
        out.base = value;
        break;
      case AT_SYSINFO_EHDR:
        out.vdso = value;
        break;
      case AT_PAGESZ:
        out.page_size = value;
        break;
      case AT_EXECFN:
        out.execfn = value;
        break;
      default:
        break;
    }
  }
}

bool take(std::uint32_t type, Bytes_ d, Isa isa, Notes& notes) {
  switch (type) {
    case NT_PRSTATUS: {
      auto thread = thread_of(d, isa);
      if (!thread) return false;
      if (notes.threads.size() < kMostThreads) notes.threads.push_back(*thread);
      return true;
    }
    case NT_SIGINFO:
      if (d.size() < 24) return false;
      if (!notes.signal)
        notes.signal =
            Signal{at<std::int32_t>(d, 0), at<std::int32_t>(d, 8), {at<std::uint64_t>(d, 16)}};
      return true;
    case NT_FILE:
      return notes.has_files || take_files(d, notes);
    case NT_AUXV:
      take_auxiliary(d, notes.auxiliary);
      return true;
    case NT_PRPSINFO:
      notes.name = text(d, 40, 16);
      notes.arguments = text(d, 56, 80);
      return true;
    default:
      return true;
  }
}

}  // namespace

void read_notes(Bytes_ bytes, Isa isa, Notes& notes) {
  const auto padded = [](std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; };
  std::uint64_t offset = 0;
  while (bytes.size() - offset >= 12) {
    const auto name_size = at<std::uint32_t>(bytes, offset);
    const auto size = at<std::uint32_t>(bytes, offset + 4);
    const auto type = at<std::uint32_t>(bytes, offset + 8);
    const std::uint64_t data = offset + 12 + padded(name_size);
    if (data > bytes.size() || size > bytes.size() - data) {
      notes.damaged = true;
      return;
    }
    const std::string name = text(bytes, offset + 12, name_size);
    if (name == "CORE" && !take(type, bytes.subspan(data, size), isa, notes)) notes.damaged = true;
    offset = std::min<std::uint64_t>(data + padded(size), bytes.size());
  }
}

}  // namespace jitcorral::autopsy
