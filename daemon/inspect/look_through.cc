#include "inspect/look_through.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace jitcorral::inspect {
namespace {

constexpr std::uint64_t kMost = 512 << 20;  // of one file
constexpr std::size_t kChunk = 1 << 20;
constexpr std::size_t kOverlap = 64;  // more than a text, or than a number and its instruction
constexpr std::size_t kWindow = 32;   // from the number to the instruction, in bytes

static_assert(std::all_of(std::begin(kTraitMarks), std::end(kTraitMarks),
                          [](const TraitMark& m) { return m.text.size() < kOverlap; }));
static_assert(std::all_of(std::begin(kMarkers), std::end(kMarkers),
                          [](const Marker& m) { return m.text.size() < kOverlap; }));

std::size_t maps_x86_64(std::string_view code, std::size_t starts) {
  constexpr std::string_view kNumber("\xb8\x09\x00\x00\x00", 5);  // mov $9, %eax
  constexpr std::string_view kEnter("\x0f\x05", 2);               // syscall
  std::size_t n = 0;
  for (std::size_t at = code.find(kNumber); at < starts; at = code.find(kNumber, at + 1))
    if (code.substr(at + kNumber.size(), kWindow).find(kEnter) != std::string_view::npos) ++n;
  return n;
}

std::size_t maps_aarch64(std::string_view code, std::size_t starts) {
  constexpr std::uint32_t kNumbers[] = {0xd2801bc8, 0x52801bc8};  // mov x8, #222; mov w8, #222
  constexpr std::uint32_t kEnter = 0xd4000001;                    // svc #0
  const auto word = [&](std::size_t at) {
    std::uint32_t w = 0;
    std::memcpy(&w, code.data() + at, sizeof w);
    return w;
  };
  std::size_t n = 0;
  for (std::size_t at = 0; at + 4 <= code.size() && at < starts; at += 4) {
    if (word(at) != kNumbers[0] && word(at) != kNumbers[1]) continue;
    for (std::size_t next = at + 4; next + 4 <= code.size() && next <= at + kWindow; next += 4) {
      if (word(next) != kEnter) continue;
      ++n;
      break;
    }
  }
  return n;
}

}  // namespace

bool Contents::has(Trait trait) const {
  for (std::size_t i = 0; i < std::size(kTraitMarks); ++i)
    if (kTraitMarks[i].trait == trait && texts[kEngineTexts + i]) return true;
  return false;
}

std::size_t inline_maps(std::string_view code, Isa isa, std::size_t starts) {
  if (isa == Isa::kX86_64) return maps_x86_64(code, starts);
  return isa == Isa::kAarch64 ? maps_aarch64(code, starts) : 0;
}

Contents look_through(const File& file, const Elf& elf) {
  Contents found;
  std::uint64_t budget = kMost;
  for (const Segment& segment : elf.segments) {
    if (segment.type != PT_LOAD || (segment.flags & (PF_R | PF_W)) != PF_R) continue;
    const bool is_code = (segment.flags & PF_X) != 0;
    for (std::uint64_t at = 0; at < segment.size && budget > 0;) {
      const std::uint64_t left = segment.size - at;
      const std::string chunk =
          file.bytes(segment.offset + at,
                     static_cast<std::size_t>(std::min<std::uint64_t>(left, kChunk + kOverlap)));
      if (chunk.empty()) return found;
      const std::size_t starts = std::min<std::size_t>(chunk.size(), kChunk);
      for (std::size_t i = 0; i < kTexts; ++i) {
        if (found.texts[i]) continue;
        const std::string_view text = text_of(i);
        found.texts[i] = memmem(chunk.data(), chunk.size(), text.data(), text.size()) != nullptr;
      }
      if (is_code) found.inline_maps += inline_maps(chunk, elf.isa, starts);
      at += starts;
      budget -= std::min<std::uint64_t>(budget, starts);
    }
  }
  return found;
}

}  // namespace jitcorral::inspect
