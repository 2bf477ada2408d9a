#include "autopsy/memory.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "inspect/elf_file.h"

namespace jitcorral::autopsy {
namespace {

constexpr std::size_t kMostNotes = 64 << 10;
constexpr unsigned kMostHeaders = 1024;

// The descriptor of NT_GNU_BUILD_ID among a file's or an image's notes; empty: none.
std::string build_id_of(std::span<const std::byte> notes) {
  const auto padded = [](std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; };
  for (std::uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size();) {
    Elf64_Nhdr header{};
    std::memcpy(&header, notes.data() + at, sizeof header);
    const std::uint64_t name = at + sizeof header, data = name + padded(header.n_namesz);
    if (data > notes.size() || header.n_descsz > notes.size() - data) return {};
    if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 && header.n_descsz > 0 &&
        std::memcmp(notes.data() + name, "GNU", 4) == 0)
      return {reinterpret_cast<const char*>(notes.data()) + data, header.n_descsz};
    at = data + padded(header.n_descsz);
  }
  return {};
}

std::string build_id_in_file(const inspect::File& file) try {
  for (const inspect::Segment& segment : inspect::read_elf(file).segments) {
    if (segment.type != PT_NOTE) continue;
    const std::string notes =
        file.bytes(segment.offset,
                   static_cast<std::size_t>(std::min<std::uint64_t>(segment.size, kMostNotes)));
    if (std::string id = build_id_of(std::as_bytes(std::span(notes))); !id.empty()) return id;
  }
  return {};
} catch (const inspect::BadElf&) {
  return {};
}

// aarch64: mov x8, #139; svc #0, which qemu lets signal handlers return to, in a page of its own.
constexpr std::string_view kSignalReturn("\x68\x11\x80\xd2\x01\x00\x00\xd4", 8);

bool begins_with(std::span<const std::byte> bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

bool begins_as_elf(std::span<const std::byte> bytes) {
  return bytes.size() >= SELFMAG && std::memcmp(bytes.data(), ELFMAG, SELFMAG) == 0;
}

}  // namespace

Memory::Memory(const inspect::File& file, const Core& core, std::string executable)
    : file_(&file), core_(core), instead_(std::move(executable)) {
  const Auxiliary& known = core_.notes.auxiliary;
  for (const MappedFile& mapped : core_.notes.files)
    if (mapped.range.contains(Address{known.phdr})) executable_ = mapped.path;
  if (executable_.empty() && known.execfn != 0) {
    const std::vector<std::byte> name = stored(range_of({known.execfn}, {4096}));
    const auto* text = reinterpret_cast<const char*>(name.data());
    executable_.assign(text, strnlen(text, name.size()));
  }
  if (executable_.empty()) executable_ = core_.notes.name;
  name_mappings();
}

Memory::Memory(const Core& none, std::vector<collect::proc::Mapping> mappings,
               std::vector<Piece> pieces)
    : core_(none), pieces_(std::move(pieces)) {
  // What is known of a mapping is one of its own, so that each is known or not.
  for (const Piece& piece : pieces_) {
    std::vector<collect::proc::Mapping> apart;
    const AddressRange known = range_of(piece.at, {piece.bytes.size()});
    for (const collect::proc::Mapping& mapping : mappings) {
      const AddressRange part = intersection(mapping.range, known);
      const auto add = [&](AddressRange range) {
        if (range.empty()) return;
        apart.push_back(mapping);
        apart.back().range = range;
      };
      if (part.empty()) {
        add(mapping.range);
        continue;
      }
      add({mapping.range.begin, part.begin});
      add(part);
      add({part.end, mapping.range.end});
    }
    mappings = std::move(apart);
  }
  mappings_ = std::move(mappings);
}

void Memory::name_mappings() {
  std::size_t next = 0;
  std::vector<MappedFile> files = core_.notes.files;
  std::sort(files.begin(), files.end(),
            [](const MappedFile& a, const MappedFile& b) { return a.range.begin < b.range.begin; });
  for (const CoreSegment& segment : core_.segments) {
    collect::proc::Mapping mapping;
    mapping.range = segment.range;
    mapping.permissions = {segment.readable ? 'r' : '-', segment.writable ? 'w' : '-',
                           segment.executable ? 'x' : '-', 'p'};
    while (next < files.size() && files[next].range.end <= segment.range.begin) ++next;
    if (next < files.size() && files[next].range.contains(segment.range.begin))
      mapping.name = files[next].path;
    else if (segment.range.contains(Address{core_.notes.auxiliary.vdso}) &&
             core_.notes.auxiliary.vdso != 0)
      mapping.name = "[vdso]";
    else if (segment.range.begin.value >= 0xffff'8000'0000'0000)
      mapping.name = "[vsyscall]";
    else if (!core_.notes.threads.empty() &&
             segment.range.contains(Address{
                 core_.notes.threads[0].registers.general[decode::stack_pointer(core_.isa)]}))
      mapping.name = "[stack]";
    else if (!core_.notes.has_files && segment.executable &&
             begins_with(stored(range_of(segment.range.begin, {kSignalReturn.size()})),
                         kSignalReturn))
      mapping.name = "[sigreturn]";
    // qemu's own cores name no files; it leaves out code that begins as an ELF image does, and
    // writes all other.
    else if (!core_.notes.has_files &&
             ((segment.executable && segment.stored == Bytes{}) ||
              begins_as_elf(stored(range_of(segment.range.begin, {SELFMAG})))))
      mapping.name = "/(a file that the core does not name)";
    mappings_.push_back(std::move(mapping));
  }
  add_left_out(files);
}

// A debugger's cores have no segment for what a file holds anyway, nor for what was not to be
// dumped.
void Memory::add_left_out(const std::vector<MappedFile>& files) {
  for (const MappedFile& mapped : files) {
    auto segment =
        std::upper_bound(core_.segments.begin(), core_.segments.end(), mapped.range.begin,
                         [](Address a, const CoreSegment& s) { return a < s.range.end; });
    for (Address at = mapped.range.begin; at < mapped.range.end;) {
      const bool is_last = segment == core_.segments.end();
      const Address next =
          is_last ? mapped.range.end : std::min(mapped.range.end, segment->range.begin);
      if (at < next) {
        mappings_.push_back({{at, next}, "rwxp", mapped.path});
        leaves_out_ = true;
      }
      if (is_last) break;
      at = std::max(at, segment->range.end);
      ++segment;
    }
  }
}

std::vector<std::byte> Memory::stored(AddressRange range) const {
  std::vector<std::byte> out;
  for (const Piece& piece : pieces_) {
    const AddressRange known = intersection(range, range_of(piece.at, {piece.bytes.size()}));
    if (known.empty() || known.begin != range.begin) continue;
    const auto from =
        piece.bytes.begin() + static_cast<std::ptrdiff_t>((known.begin - piece.at).count);
    return {from, from + static_cast<std::ptrdiff_t>(known.size().count)};
  }
  auto segment =
      std::upper_bound(core_.segments.begin(), core_.segments.end(), range.begin,
                       [](Address a, const CoreSegment& s) { return a < s.range.begin; });
  if (segment == core_.segments.begin()) return out;
  --segment;
  for (Address at = range.begin; at < range.end && segment != core_.segments.end(); ++segment) {
    const AddressRange part =
        intersection({at, range.end}, range_of(segment->range.begin, segment->stored));
    if (part.empty() || part.begin != at) break;
    const std::size_t before = out.size();
    out.resize(before + static_cast<std::size_t>(part.size().count));
    if (!file_->read(segment->offset + (at - segment->range.begin).count, out.data() + before,
                     out.size() - before)) {
      out.resize(before);
      break;
    }
    at = part.end;
  }
  return out;
}

std::string Memory::build_id_in_memory(const std::string& path) const {
  const MappedFile* image = nullptr;
  for (const MappedFile& mapped : core_.notes.files)
    if (mapped.path == path && mapped.offset == 0) {
      image = &mapped;
      break;
    }
  if (image == nullptr) return {};
  const Address base = image->range.begin;
  const std::vector<std::byte> head = stored(range_of(base, {sizeof(Elf64_Ehdr)}));
  Elf64_Ehdr header{};
  if (head.size() < sizeof header || !begins_as_elf(head)) return {};
  std::memcpy(&header, head.data(), sizeof header);
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > kMostHeaders) return {};
  const std::vector<std::byte> table =
      stored(range_of(base + Bytes{header.e_phoff}, {header.e_phnum * sizeof(Elf64_Phdr)}));
  for (std::size_t i = 0; i + sizeof(Elf64_Phdr) <= table.size(); i += sizeof(Elf64_Phdr)) {
    Elf64_Phdr h{};
    std::memcpy(&h, table.data() + i, sizeof h);
    // In the first pages, which are mapped as they lie in the file.
    if (h.p_type != PT_NOTE) continue;
    const std::vector<std::byte> notes = stored(
        range_of(base + Bytes{h.p_offset}, {std::min<std::uint64_t>(h.p_filesz, kMostNotes)}));
    if (std::string id = build_id_of(notes); !id.empty()) return id;
  }
  return {};
}

Memory::Image& Memory::image_of(const MappedFile& mapped) {
  const auto [found, is_new] = images_.try_emplace(mapped.path);
  Image& image = found->second;
  if (!is_new) return image;
  const bool instead = !instead_.empty() && mapped.path == executable_;
  const std::string& path = instead ? instead_ : mapped.path;
  if (auto opened = inspect::File::open(path))
    image.file.emplace(std::move(*opened));
  else {
    missing_.push_back(path + " is not there, and its code is not in the core");
    return image;
  }
  const std::string then = build_id_in_memory(mapped.path), now = build_id_in_file(*image.file);
  image.usable = !then.empty() && then == now;
  if (!image.usable)
    missing_.push_back(path + (then.empty() || now.empty()
                                   ? " has no build-id to be known by, and its code is not in the "
                                     "core"
                                   : " is another build than the one that crashed, and the code of "
                                     "that is not in the core"));
  return image;
}

std::vector<std::byte> Memory::of_file(AddressRange range) {
  auto segment = std::upper_bound(core_.segments.begin(), core_.segments.end(), range.begin,
                                  [](Address a, const CoreSegment& s) { return a < s.range.end; });
  const bool writable =
      segment != core_.segments.end() && segment->range.contains(range.begin) && segment->writable;
  for (const MappedFile& mapped : core_.notes.files) {
    if (!mapped.range.contains(range.begin)) continue;
    if (writable) return {};  // what was written there is not in the file
    const Image& image = image_of(mapped);
    if (!image.usable) return {};
    const Bytes size = intersection(range, mapped.range).size();
    const std::string bytes =
        image.file->bytes(mapped.offset + (range.begin - mapped.range.begin).count,
                          static_cast<std::size_t>(size.count));
    const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
    return {begin, begin + bytes.size()};
  }
  return {};
}

std::vector<std::byte> Memory::read(AddressRange range) {
  std::vector<std::byte> out = stored(range);
  if (out.size() < range.size().count && !range.empty()) {
    const std::vector<std::byte> more = of_file({range.begin + Bytes{out.size()}, range.end});
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

std::optional<std::uint64_t> Memory::word(Address at) {
  const std::vector<std::byte> bytes = stored(range_of(at, {8}));
  std::uint64_t value = 0;
  if (bytes.size() < sizeof value) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace jitcorral::autopsy
