#include "inspect/library_cache.h"

#include <cstdint>
#include <cstring>

#include "inspect/file.h"

namespace jitcorral::inspect {
namespace {

// glibc's sysdeps/generic/dl-cache.h.
constexpr std::string_view kMagic = "glibc-ld.so.cache1.1";
constexpr std::string_view kOldMagic = "ld.so-1.7.0";
constexpr std::size_t kOldHeader = 16, kOldEntry = 12;
struct Header {
  char magic[20];
  std::uint32_t count, strings_size;
  std::uint8_t flags, padding[3];
  std::uint32_t extensions, unused[3];
};
static_assert(sizeof(Header) == 48);
struct Entry {
  std::int32_t flags;
  std::uint32_t key, value, os_version;
  std::uint64_t hwcap;
};
static_assert(sizeof(Entry) == 24);

constexpr std::size_t kMostBytes = 64 << 20;

std::int32_t flags_of(Isa isa) {
  constexpr std::int32_t kLibc6 = 0x0003;
  return kLibc6 | (isa == Isa::kAarch64 ? 0x0a00 : 0x0300);
}

}  // namespace

LibraryCache LibraryCache::parse(std::string_view bytes, Isa isa) {
  LibraryCache cache;
  if (bytes.starts_with(kOldMagic) && bytes.size() >= kOldHeader) {
    std::uint32_t count = 0;
    std::memcpy(&count, bytes.data() + 12, sizeof count);
    // The new one lies behind the old entries, aligned as its own.
    const std::size_t end = (kOldHeader + std::size_t{count} * kOldEntry + 7) / 8 * 8;
    if (end > bytes.size()) return cache;
    bytes.remove_prefix(end);
  }
  Header header{};
  if (bytes.size() < sizeof header || !bytes.starts_with(kMagic)) return cache;
  std::memcpy(&header, bytes.data(), sizeof header);
  const auto text = [&](std::uint32_t at) -> std::string {
    if (at >= bytes.size()) return {};
    const std::string_view rest = bytes.substr(at, 4096);
    const std::size_t end = rest.find('\0');
    return end == std::string_view::npos ? std::string() : std::string(rest.substr(0, end));
  };
  for (std::uint32_t i = 0; i < header.count; ++i) {
    const std::size_t at = sizeof header + std::size_t{i} * sizeof(Entry);
    if (at + sizeof(Entry) > bytes.size()) break;
    Entry entry{};
    std::memcpy(&entry, bytes.data() + at, sizeof entry);
    if (entry.flags != flags_of(isa)) continue;
    const std::string name = text(entry.key), path = text(entry.value);
    if (name.empty() || path.empty() || path[0] != '/') continue;
    // Of several builds of one library the plain one: they differ in instructions, not in what
    // they are.
    if (entry.hwcap == 0)
      cache.paths_[name] = path;
    else
      cache.paths_.emplace(name, path);
  }
  return cache;
}

LibraryCache LibraryCache::read(const std::string& path, Isa isa) {
  return parse(contents(path, kMostBytes), isa);
}

std::string LibraryCache::find(const std::string& name) const {
  const auto at = paths_.find(name);
  return at == paths_.end() ? std::string() : at->second;
}

}  // namespace jitcorral::inspect
