#include "collect/emulated.h"

#include <algorithm>
#include <filesystem>

namespace jitcorral::collect {
namespace {

bool is_mapped(const std::vector<proc::Mapping>& mappings, AddressRange range) {
  return std::any_of(mappings.begin(), mappings.end(), [&](const proc::Mapping& m) {
    return m.range.contains(range.begin) && m.permissions.starts_with('r');
  });
}

}  // namespace

std::string emulator_of(const std::string& executable) {
  const std::string name = std::filesystem::path(executable).filename();
  if (!name.starts_with("qemu-") || name.starts_with("qemu-system")) return {};
  std::string isa = name.substr(5);
  if (const auto end = isa.find("-static"); end != std::string::npos) isa.resize(end);
  return isa;
}

std::optional<Bytes> shift_of(const std::vector<proc::Mapping>& mappings,
                              std::span<const AddressRange> ranges,
                              std::span<const model::Site> sites) {
  // With room below (-R) qemu adds nothing.
  std::vector<Bytes> candidates = {Bytes{0}};
  for (const model::Site& site : sites) {
    const std::string name = std::filesystem::path(site.module).filename();
    if (name.empty() || site.address < site.offset) continue;
    for (const proc::Mapping& m : mappings) {
      if (std::filesystem::path(m.name).filename() != name) continue;
      const std::uint64_t base = site.address - site.offset;
      if (m.range.begin.value >= base) candidates.push_back(Bytes{m.range.begin.value - base});
      break;  // the first is where the module begins
    }
  }
  for (const Bytes shift : candidates)
    if (std::all_of(ranges.begin(), ranges.end(), [&](AddressRange range) {
          return is_mapped(mappings, {range.begin + shift, range.end + shift});
        }))
      return shift;
  return std::nullopt;
}

}  // namespace jitcorral::collect
