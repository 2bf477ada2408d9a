#include "autopsy/core_file.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace jitcorral::autopsy {
namespace {

// The kernel allows 65,530 mappings by default; what says much more wants to cost us memory.
constexpr std::uint64_t kMostSegments = 1 << 20;
constexpr std::uint64_t kMostNotes = 64 << 20;

std::string compression_of(const unsigned char* ident) {
  constexpr struct {
    std::string_view magic, name;
  } kKnown[] = {{"\x28\xb5\x2f\xfd", "zstd"},
                {"\x04\x22\x4d\x18", "lz4"},
                {"\xfd\x37\x7a\x58", "xz"},
                {std::string_view("\x1f\x8b", 2), "gzip"}};
  for (const auto& known : kKnown)
    if (std::memcmp(ident, known.magic.data(), known.magic.size()) == 0)
      return std::string(known.name);
  return "";
}

Elf64_Ehdr read_header(const inspect::File& file) {
  Elf64_Ehdr header{};
  if (!file.read(0, &header, 4)) throw BadCore("shorter than an ELF header");
  if (const std::string by = compression_of(header.e_ident); !by.empty())
    throw BadCore("compressed by " + by +
                  "; accepted: the core itself (coredumpctl dump writes it, or unpack it)");
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) throw BadCore("not an ELF file");
  if (!file.read(0, &header, sizeof header)) throw BadCore("shorter than an ELF header");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    throw BadCore("of a 32-bit or big-endian process; accepted: x86-64, aarch64");
  if (header.e_type != ET_CORE) throw BadCore("an ELF file, but not a core");
  if (header.e_machine != EM_X86_64 && header.e_machine != EM_AARCH64)
    throw BadCore("of ELF machine " + std::to_string(header.e_machine) +
                  "; accepted: x86-64, aarch64");
  if (header.e_phentsize != sizeof(Elf64_Phdr))
    throw BadCore("damaged: its program headers make no sense");
  return header;
}

// More than 65,534 are counted in the first section header.
std::uint64_t count_of_segments(const inspect::File& file, const Elf64_Ehdr& header) {
  if (header.e_phnum != PN_XNUM) return header.e_phnum;
  Elf64_Shdr first{};
  if (!file.read(header.e_shoff, &first, sizeof first))
    throw BadCore("cut off before the number of its segments");
  return first.sh_info;
}

CoreSegment segment_of(const Elf64_Phdr& h, std::uint64_t file_size) {
  CoreSegment out;
  // A range that wraps round ends where addresses do.
  const std::uint64_t size = std::min(h.p_memsz, UINT64_MAX - h.p_vaddr);
  out.range = range_of({h.p_vaddr}, {size});
  out.readable = (h.p_flags & PF_R) != 0;
  out.writable = (h.p_flags & PF_W) != 0;
  out.executable = (h.p_flags & PF_X) != 0;
  out.offset = h.p_offset;
  const std::uint64_t there = h.p_offset < file_size ? file_size - h.p_offset : 0;
  out.stored = {std::min({h.p_filesz, size, there})};
  return out;
}

}  // namespace

Core read_core(const inspect::File& file) {
  const Elf64_Ehdr header = read_header(file);
  Core core;
  core.isa = header.e_machine == EM_X86_64 ? Isa::kX86_64 : Isa::kAarch64;
  const std::uint64_t count = count_of_segments(file, header);
  const std::uint64_t there =
      header.e_phoff < file.size() ? (file.size() - header.e_phoff) / sizeof(Elf64_Phdr) : 0;
  if (count == 0 || there == 0) throw BadCore("damaged: it has no segments");
  if (count > kMostSegments)
    throw BadCore("damaged: " + std::to_string(count) +
                  " segments; accepted: " + std::to_string(kMostSegments));
  std::vector<Elf64_Phdr> headers(static_cast<std::size_t>(std::min(count, there)));
  if (!file.read(header.e_phoff, headers.data(), headers.size() * sizeof(Elf64_Phdr)))
    throw BadCore("cut off in its program headers");
  if (headers.size() < count) core.cut_off = {(count - headers.size()) * sizeof(Elf64_Phdr)};
  std::uint64_t notes_left = kMostNotes;
  for (const Elf64_Phdr& h : headers) {
    const std::uint64_t rest = h.p_offset < file.size() ? file.size() - h.p_offset : 0;
    if (h.p_filesz > rest)
      core.cut_off = {std::min(core.cut_off.count + std::min(h.p_filesz - rest, UINT64_MAX / 4),
                               UINT64_MAX / 2)};
    if (h.p_type == PT_LOAD && h.p_memsz > 0) core.segments.push_back(segment_of(h, file.size()));
    if (h.p_type != PT_NOTE) continue;
    const std::string bytes =
        file.bytes(h.p_offset, static_cast<std::size_t>(std::min({h.p_filesz, rest, notes_left})));
    notes_left -= bytes.size();
    read_notes(std::as_bytes(std::span(bytes)), core.isa, core.notes);
  }
  std::stable_sort(
      core.segments.begin(), core.segments.end(),
      [](const CoreSegment& a, const CoreSegment& b) { return a.range.begin < b.range.begin; });
  // What overlaps is no core of a kernel's: the first one counts.
  std::vector<CoreSegment> apart;
  for (CoreSegment& segment : core.segments)
    if (apart.empty() || apart.back().range.end <= segment.range.begin)
      apart.push_back(segment);
    else
      core.notes.damaged = true;
  core.segments = std::move(apart);
  return core;
}

}  // namespace jitcorral::autopsy
