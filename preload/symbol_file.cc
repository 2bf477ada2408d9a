#include "symbol_file.h"

#include <elf.h>
#include <link.h>

#include <cstring>

#include "held.h"
#include "kernel.h"

namespace jitcorral {
namespace {

constexpr std::size_t kScratch = 64 << 10;

// An open file and a buffer; both are gone when it is.
class Reading {
 public:
  explicit Reading(const char* path) {
    const KernelResult file = kernel::open_readonly(path);
    if (!file.ok()) return;
    fd_ = static_cast<int>(file.raw);
    held::keep(fd_);
    const KernelResult memory = kernel::map(
        {{}, Bytes{kScratch}, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0});
    if (memory.ok()) scratch_ = reinterpret_cast<char*>(memory.raw);
  }
  Reading(const Reading&) = delete;
  ~Reading() {
    if (scratch_ != nullptr)
      kernel::unmap(range_of({reinterpret_cast<std::uint64_t>(scratch_)}, Bytes{kScratch}));
    if (fd_ >= 0) held::close(fd_);
  }

  bool ok() const { return scratch_ != nullptr; }
  char* scratch() const { return scratch_; }
  bool read(void* out, std::size_t size, std::uint64_t offset) const {
    const KernelResult r = kernel::pread(fd_, out, size, offset);
    return r.ok() && static_cast<std::size_t>(r.raw) == size;
  }
  // As much as there is, at most the scratch buffer; 0 at the end or on failure.
  std::size_t fill(std::uint64_t offset, std::size_t size) const {
    const KernelResult r = kernel::pread(fd_, scratch_, size < kScratch ? size : kScratch, offset);
    return r.ok() ? static_cast<std::size_t>(r.raw) : 0;
  }

 private:
  int fd_ = -1;
  char* scratch_ = nullptr;
};

struct Tables {
  std::uint64_t symbols = 0, symbols_size = 0;
  std::uint64_t strings = 0, strings_size = 0;
};

// Not there in a stripped file: sizes stay 0.
Tables find_tables(const Reading& file) {
  Tables t;
  ElfW(Ehdr) header;
  if (!file.read(&header, sizeof header, 0)) return t;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_shentsize != sizeof(ElfW(Shdr)))
    return t;
  ElfW(Shdr) section;
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    if (!file.read(&section, sizeof section, header.e_shoff + i * sizeof section)) return t;
    if (section.sh_type != SHT_SYMTAB) continue;
    const std::uint64_t symbols = section.sh_offset, size = section.sh_size;
    if (section.sh_link >= header.e_shnum ||
        !file.read(&section, sizeof section, header.e_shoff + section.sh_link * sizeof section))
      return t;
    return {symbols, size, section.sh_offset, section.sh_size};
  }
  return t;
}

}  // namespace

void look_up_symbols(const char* path, const std::uint64_t* addresses, std::size_t count,
                     SymbolVisitor& visitor) {
  const Reading file(path);
  if (!file.ok() || count > kMostLookUps) return;
  const Tables tables = find_tables(file);
  std::uint64_t names[kMostLookUps];  // offset in the strings + 1; 0: not found
  std::memset(names, 0, sizeof names);
  std::size_t left = count;
  constexpr std::size_t kEntry = sizeof(ElfW(Sym));
  for (std::uint64_t at = 0; at < tables.symbols_size && left > 0;) {
    const std::size_t got =
        file.fill(tables.symbols + at, static_cast<std::size_t>(tables.symbols_size - at)) /
        kEntry * kEntry;
    if (got == 0) break;
    for (std::size_t i = 0; i < got; i += kEntry) {
      ElfW(Sym) s;
      std::memcpy(&s, file.scratch() + i, sizeof s);
      if ((s.st_info & 0xf) != STT_FUNC || s.st_shndx == SHN_UNDEF) continue;
      for (std::size_t k = 0; k < count; ++k) {
        // A return address behind a call that ends its function lies in the next one.
        if (names[k] != 0 || addresses[k] - 1 - s.st_value >= s.st_size) continue;
        names[k] = std::uint64_t{s.st_name} + 1;
        --left;
      }
    }
    at += got;
  }
  for (std::size_t k = 0; k < count; ++k) {
    if (names[k] == 0 || names[k] > tables.strings_size) continue;
    const std::size_t got = file.fill(tables.strings + names[k] - 1, 255);
    std::size_t length = 0;
    while (length < got && file.scratch()[length] != '\0') ++length;
    visitor.visit(k, std::string_view(file.scratch(), length));
  }
}

}  // namespace jitcorral
