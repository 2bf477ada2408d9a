// A core file, as a kernel writes it, of a process that never was.
#pragma once

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "autopsy/examine.h"

namespace jitcorral::autopsy {

class CoreSample {
 public:
  explicit CoreSample(Isa isa = Isa::kX86_64) : isa_(isa) {}

  CoreSample& map(std::uint64_t begin, std::uint64_t size, unsigned flags,
                  std::string stored = {}) {
    Elf64_Phdr h{};
    h.p_type = PT_LOAD;
    h.p_flags = flags;
    h.p_vaddr = begin;
    h.p_memsz = size;
    h.p_filesz = stored.size();
    segments_.emplace_back(h, std::move(stored));
    return *this;
  }
  CoreSample& note(std::uint32_t type, const std::string& data) {
    const Elf64_Nhdr header{5, static_cast<Elf64_Word>(data.size()), type};
    notes_.append(reinterpret_cast<const char*>(&header), sizeof header);
    notes_.append("CORE\0\0\0\0", 8).append(data);
    notes_.resize((notes_.size() + 3) & ~std::size_t{3});
    return *this;
  }
  // `registers`: pairs of a place in the kernel's register file and a value.
  CoreSample& thread(std::uint64_t pc,
                     const std::vector<std::pair<std::size_t, std::uint64_t>>& registers = {}) {
    const bool x86 = isa_ == Isa::kX86_64;
    std::string data(112 + (x86 ? 27U : 34U) * 8 + 8, '\0');
    put(data, 12, std::uint16_t{11});
    put(data, 32, std::uint32_t{4711});
    put(data, 112 + (x86 ? 16U : 32U) * 8, pc);
    for (const auto& [n, value] : registers) put(data, 112 + n * 8, value);
    return note(NT_PRSTATUS, data);
  }
  CoreSample& signal(std::uint64_t address) {
    std::string data(128, '\0');
    put(data, 0, std::uint32_t{11});
    put(data, 8, std::uint32_t{1});
    put(data, 16, address);
    return note(NT_SIGINFO, data);
  }
  CoreSample& file(std::uint64_t begin, std::uint64_t end, const std::string& path) {
    std::string data(40, '\0');
    put(data, 0, std::uint64_t{1});
    put(data, 8, std::uint64_t{4096});
    put(data, 16, begin);
    put(data, 24, end);
    return note(NT_FILE, data + path + '\0');
  }

  std::string bytes() const {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_CORE;
    header.e_machine = isa_ == Isa::kX86_64 ? EM_X86_64 : EM_AARCH64;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<Elf64_Half>(segments_.size() + 1);
    std::string out(reinterpret_cast<const char*>(&header), sizeof header);
    std::uint64_t at = sizeof header + (segments_.size() + 1) * sizeof(Elf64_Phdr);
    std::string rest = notes_;
    Elf64_Phdr notes{};
    notes.p_type = PT_NOTE;
    notes.p_offset = at;
    notes.p_filesz = notes_.size();
    out.append(reinterpret_cast<const char*>(&notes), sizeof notes);
    for (const auto& [segment, stored] : segments_) {
      Elf64_Phdr h = segment;
      h.p_offset = at + rest.size();
      out.append(reinterpret_cast<const char*>(&h), sizeof h);
      rest += stored;
    }
    return out + rest;
  }

  template <typename T>
  static void put(std::string& data, std::size_t at, T value) {
    std::memcpy(data.data() + at, &value, sizeof value);
  }

 private:
  Isa isa_;
  std::vector<std::pair<Elf64_Phdr, std::string>> segments_;
  std::string notes_;
};

// In memory, opened as a file.
inline inspect::File opened(const std::string& bytes) {
  const int fd = memfd_create("core", MFD_CLOEXEC);
  const bool written = write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  auto file = inspect::File::open("/proc/self/fd/" + std::to_string(fd));
  close(fd);
  if (!written || !file) throw std::runtime_error("no memory file");
  return *std::move(file);
}

inline Core core_of(const std::string& bytes) {
  return read_core(opened(bytes));
}

inline Crash crash_of(const std::string& bytes) {
  const inspect::File file = opened(bytes);
  const Core core = read_core(file);
  Memory memory(file, core, "");
  return examine(core, memory);
}

}  // namespace jitcorral::autopsy
