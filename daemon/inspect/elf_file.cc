#include "inspect/elf_file.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace jitcorral::inspect {
namespace {

// No loader would take more; what says more is damaged or wants to cost us memory.
constexpr unsigned kMostSegments = 1024;
constexpr std::uint64_t kMostDynamic = 1 << 20;
constexpr std::uint64_t kMostStrings = 256 << 20;
constexpr std::uint64_t kMostSymbols = 8 << 20;
constexpr std::size_t kLongestPath = 4096;
constexpr std::size_t kMostNeeded = 1024;

template <typename T>
bool read_at(const File& file, std::uint64_t offset, T& to) {
  return file.read(offset, &to, sizeof to);
}

Elf read_header(const File& file, Elf64_Ehdr& header) {
  Elf elf;
  unsigned char ident[EI_NIDENT];
  if (!file.read(0, ident, sizeof ident)) throw BadElf("shorter than an ELF header");
  if (std::memcmp(ident, ELFMAG, SELFMAG) != 0) throw BadElf("not an ELF file");
  if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64)
    throw BadElf("a damaged ELF file: neither 32-bit nor 64-bit");
  if (ident[EI_DATA] != ELFDATA2LSB && ident[EI_DATA] != ELFDATA2MSB)
    throw BadElf("a damaged ELF file: no byte order");
  elf.is_32_bit = ident[EI_CLASS] == ELFCLASS32;
  if (elf.is_32_bit || ident[EI_DATA] == ELFDATA2MSB) return elf;
  if (!read_at(file, 0, header)) throw BadElf("a truncated ELF file: it ends in its header");
  if (header.e_machine == EM_NONE) throw BadElf("a damaged ELF file: it is for no machine");
  elf.machine = header.e_machine;
  if (header.e_machine == EM_X86_64) elf.isa = Isa::kX86_64;
  if (header.e_machine == EM_AARCH64) elf.isa = Isa::kAarch64;
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
    throw BadElf(header.e_type == ET_REL    ? "an object file, not a program"
                 : header.e_type == ET_CORE ? "a core dump, not a program"
                                            : "a damaged ELF file: no program, no library");
  elf.is_position_independent = header.e_type == ET_DYN;
  if (header.e_phnum == 0 || header.e_phnum > kMostSegments ||
      header.e_phentsize != sizeof(Elf64_Phdr))
    throw BadElf("a damaged ELF file: its segments make no sense");
  return elf;
}

void read_segments(const File& file, const Elf64_Ehdr& header, Elf& elf) {
  std::vector<Elf64_Phdr> headers(header.e_phnum);
  if (!file.read(header.e_phoff, headers.data(), headers.size() * sizeof(Elf64_Phdr)))
    throw BadElf("a truncated ELF file: its program headers lie beyond its end");
  for (const Elf64_Phdr& h : headers) {
    if (h.p_type == PT_LOAD && (h.p_offset > file.size() || h.p_filesz > file.size() - h.p_offset))
      throw BadElf("a truncated ELF file: a segment lies beyond its end");
    elf.segments.push_back({h.p_type, h.p_flags, h.p_offset, h.p_vaddr, h.p_filesz});
  }
}

const Segment* first_of(const Elf& elf, std::uint32_t type) {
  const auto at = std::find_if(elf.segments.begin(), elf.segments.end(),
                               [&](const Segment& s) { return s.type == type; });
  return at == elf.segments.end() ? nullptr : &*at;
}

// Where in the file an address lies; 0 if nowhere.
std::uint64_t offset_of(const Elf& elf, std::uint64_t address) {
  for (const Segment& s : elf.segments)
    if (s.type == PT_LOAD && address >= s.address && address - s.address < s.size)
      return s.offset + (address - s.address);
  return 0;
}

std::string text_at(const File& file, const Elf& elf, std::uint64_t at) {
  if (at >= elf.strings_size) return {};
  const std::size_t most =
      static_cast<std::size_t>(std::min<std::uint64_t>(kLongestPath, elf.strings_size - at));
  const std::string text = file.bytes(elf.strings + at, most);
  const std::size_t end = text.find('\0');
  return end == std::string::npos ? std::string() : text.substr(0, end);
}

// The highest index that the hash table reaches, and one.
std::uint64_t count_by_gnu_hash(const File& file, std::uint64_t at) {
  std::uint32_t head[4];
  if (!read_at(file, at, head) || head[0] > kMostSymbols || head[2] > kMostSymbols) return 0;
  std::vector<std::uint32_t> buckets(head[0]);
  const std::uint64_t begin = at + sizeof head + std::uint64_t{head[2]} * 8;
  if (!file.read(begin, buckets.data(), buckets.size() * 4)) return 0;
  const std::uint32_t last =
      buckets.empty() ? 0 : *std::max_element(buckets.begin(), buckets.end());
  if (last < head[1]) return head[1];
  const std::uint64_t chain = begin + buckets.size() * 4;
  for (std::uint64_t i = last; i < kMostSymbols; ++i) {
    std::uint32_t hash = 0;
    if (!read_at(file, chain + (i - head[1]) * 4, hash)) break;
    if ((hash & 1) != 0) return i + 1;
  }
  return 0;
}

// Section headers are the only count that is right after patchelf; stripped files may lack them.
std::uint64_t count_by_sections(const File& file, const Elf64_Ehdr& header, std::uint64_t symbols) {
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return 0;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section{};
    const std::uint64_t at = header.e_shoff + std::uint64_t{i} * sizeof section;
    if (at < header.e_shoff || !read_at(file, at, section)) return 0;
    if (section.sh_type == SHT_DYNSYM && section.sh_offset == symbols)
      return section.sh_size / sizeof(Elf64_Sym);
  }
  return 0;
}

struct Dynamic {
  std::vector<std::uint64_t> needed;
  std::uint64_t soname = 0, rpath = 0, runpath = 0;
  bool has_soname = false, has_rpath = false, has_runpath = false;
  std::uint64_t hash = 0, gnu_hash = 0;
};

Dynamic read_dynamic(const File& file, const Segment& segment, Elf& elf) {
  if (segment.size > kMostDynamic || segment.offset > file.size() ||
      segment.size > file.size() - segment.offset)
    throw BadElf("a damaged ELF file: its dynamic section lies beyond its end");
  std::vector<Elf64_Dyn> entries(static_cast<std::size_t>(segment.size / sizeof(Elf64_Dyn)));
  if (!file.read(segment.offset, entries.data(), entries.size() * sizeof(Elf64_Dyn)))
    throw BadElf("a truncated ELF file: it ends in its dynamic section");
  Dynamic dynamic;
  for (const Elf64_Dyn& entry : entries) {
    const std::uint64_t value = entry.d_un.d_val;
    switch (entry.d_tag) {
      case DT_NULL:
        return dynamic;
      case DT_NEEDED:
        if (dynamic.needed.size() < kMostNeeded) dynamic.needed.push_back(value);
        break;
      case DT_SONAME:
        dynamic.soname = value, dynamic.has_soname = true;
        break;
      case DT_RPATH:
        dynamic.rpath = value, dynamic.has_rpath = true;
        break;
      case DT_RUNPATH:
        dynamic.runpath = value, dynamic.has_runpath = true;
        break;
      case DT_STRTAB:
        elf.strings = offset_of(elf, value);
        break;
      case DT_STRSZ:
        elf.strings_size = value;
        break;
      case DT_SYMTAB:
        elf.symbols = offset_of(elf, value);
        break;
      case DT_HASH:
        dynamic.hash = offset_of(elf, value);
        break;
      case DT_GNU_HASH:
        dynamic.gnu_hash = offset_of(elf, value);
        break;
      case DT_FLAGS_1:
        elf.is_marked_pie = (value & DF_1_PIE) != 0;
        elf.no_default_folders = (value & DF_1_NODEFLIB) != 0;
        break;
      default:
        break;
    }
  }
  return dynamic;
}

}  // namespace

bool begins_as_elf(const File& file) {
  return file.bytes(0, SELFMAG) == std::string_view(ELFMAG, SELFMAG);
}

Elf read_elf(const File& file) {
  Elf64_Ehdr header{};
  Elf elf = read_header(file, header);
  if (elf.machine == 0) return elf;  // 32-bit, or another byte order: it is not read
  read_segments(file, header, elf);
  if (const Segment* const interpreter = first_of(elf, PT_INTERP)) {
    const std::string text = file.bytes(
        interpreter->offset,
        static_cast<std::size_t>(std::min<std::uint64_t>(interpreter->size, kLongestPath)));
    elf.interpreter = text.substr(0, text.find('\0'));
    if (elf.interpreter.empty()) throw BadElf("a damaged ELF file: its interpreter has no name");
  }
  const Segment* const segment = first_of(elf, PT_DYNAMIC);
  if (segment == nullptr) return elf;
  elf.has_dynamic = true;
  const Dynamic dynamic = read_dynamic(file, *segment, elf);
  if (elf.strings == 0 || elf.strings > file.size())
    elf.strings_size = 0;
  else
    elf.strings_size = std::min({elf.strings_size, file.size() - elf.strings, kMostStrings});
  for (const std::uint64_t at : dynamic.needed) {
    elf.needed.push_back(text_at(file, elf, at));
    if (elf.needed.back().empty())
      throw BadElf("a damaged ELF file: a library that it needs has no name");
  }
  if (dynamic.has_soname) elf.soname = text_at(file, elf, dynamic.soname);
  if (dynamic.has_rpath) elf.rpath = text_at(file, elf, dynamic.rpath);
  if (dynamic.has_runpath) elf.runpath = text_at(file, elf, dynamic.runpath);
  if (elf.symbols == 0) return elf;
  elf.symbol_count = count_by_sections(file, header, elf.symbols);
  std::uint32_t sysv[2];
  if (elf.symbol_count == 0 && dynamic.hash != 0 && read_at(file, dynamic.hash, sysv))
    elf.symbol_count = sysv[1];
  if (elf.symbol_count == 0 && dynamic.gnu_hash != 0)
    elf.symbol_count = count_by_gnu_hash(file, dynamic.gnu_hash);
  elf.symbol_count = std::min(elf.symbol_count, kMostSymbols);
  return elf;
}

void each_symbol(const File& file, const Elf& elf,
                 const std::function<void(const Symbol&)>& visit) {
  if (elf.symbols == 0 || elf.strings_size == 0) return;
  const std::string strings = file.bytes(elf.strings, static_cast<std::size_t>(elf.strings_size));
  constexpr std::uint64_t kAtOnce = 4096;
  std::vector<Elf64_Sym> some;
  for (std::uint64_t i = 0; i < elf.symbol_count; i += kAtOnce) {
    some.resize(static_cast<std::size_t>(std::min(kAtOnce, elf.symbol_count - i)));
    if (!file.read(elf.symbols + i * sizeof(Elf64_Sym), some.data(),
                   some.size() * sizeof(Elf64_Sym)))
      return;
    for (const Elf64_Sym& s : some) {
      if (s.st_name == 0 || s.st_name >= strings.size()) continue;
      const std::size_t end = strings.find('\0', s.st_name);
      if (end == std::string::npos) continue;
      visit({std::string_view(strings).substr(s.st_name, end - s.st_name), s.st_shndx != SHN_UNDEF,
             (s.st_info & 0xf) == STT_FUNC, s.st_size});
    }
  }
}

}  // namespace jitcorral::inspect
