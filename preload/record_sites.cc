#include "record_sites.h"

#include <atomic>

#include "caller.h"
#include "layout.h"
#include "modules.h"

namespace jitcorral::sites {
namespace {

constinit std::uint32_t current = 0;
constinit std::uint32_t executable_text = 0;

// What was added to the texts, so that it is added once: a hash of it (36 bits) | generation (15) |
// offset / 8 (13), in one word so that no reader meets half of two.
struct Added {
  std::atomic<std::uint64_t> word{0};

  std::uint64_t key_of(std::uint64_t hash) const {
    return hash >> 28 << 28 | (current & 0x7fffU) << 13;
  }
  // 0: not there.
  std::uint32_t find(std::uint64_t hash) const {
    const std::uint64_t seen = word.load(std::memory_order_relaxed);
    return seen != 0 && seen >> 13 == key_of(hash) >> 13
               ? static_cast<std::uint32_t>(seen & 0x1fffU) * 8
               : 0;
  }
  void keep(std::uint64_t hash, std::uint32_t at) {
    if (at != 0) word.store(key_of(hash) | at / 8, std::memory_order_relaxed);
  }
};
static_assert(ring::kTextsSize / 8 < 1U << 13);
constexpr std::size_t kModules = 64, kSites = 256;
constinit Added modules_added[kModules];
constinit Added sites_added[kSites];

std::uint32_t text_of(RingWriter writer, const Module& module, std::uint64_t hash) {
  if (module.path[0] == '\0') return executable_text;
  Added& added = modules_added[hash % kModules];
  if (const std::uint32_t known = added.find(hash)) return known;
  const std::uint32_t at = writer.add_text(module.path);
  added.keep(hash, at);
  return at;
}

// The site as it is now; told again only if it is another than before, which a dlclose leaves open.
std::uint32_t tell(RingWriter writer, const void* site, Role role) {
  const Module module = modules::containing(site);
  const std::uint64_t path = modules::hash_of(module.path);
  const std::uint64_t hash = mix(path ^ mix(reinterpret_cast<std::uint64_t>(site)) ^
                                 mix(module.mapped.begin.value + static_cast<unsigned>(role)));
  Added& added = sites_added[hash % kSites];
  if (const std::uint32_t known = added.find(hash)) return known;
  std::uint32_t at = 0;
  if (module.found()) {
    const std::uint32_t module_text = text_of(writer, module, path);
    const std::uint32_t symbol = writer.add_text(modules::symbol_at(module, site));
    at = writer.add_site(site, reinterpret_cast<std::uint64_t>(site) - module.bias,
                         modules::identity(module), role, module_text, symbol);
  } else {
    at = writer.add_site(site, 0, 0, role, 0, 0);
  }
  added.keep(hash, at);
  return at;
}

}  // namespace

void begin(RingWriter writer, std::uint32_t generation, std::string_view executable) {
  current = generation;
  executable_text = writer.add_text(executable);
}

std::uint32_t id_of(RingWriter writer, const void* site, Role role) {
  // An offset has its lowest bits free: that nothing more fits is remembered too.
  constexpr std::uint32_t kDoesNotFit = 1;
  std::atomic<std::uint64_t>* known = callers::recorded_as(site);
  // generation | role | offset: what a site is may be learned later, and is then told again.
  const std::uint64_t key =
      std::uint64_t{current} << 40 | std::uint64_t{static_cast<unsigned>(role)} << 32;
  if (known != nullptr) {
    const std::uint64_t word = known->load(std::memory_order_relaxed);
    if (word >> 32 == key >> 32 && word != 0) [[likely]]
      return static_cast<std::uint32_t>(word) & ~kDoesNotFit;
  }
  const std::uint32_t at = tell(writer, site, role);
  if (at == 0 && writer.is_left()) return 0;  // asked again of the next ring
  if (known != nullptr) known->store(key | (at != 0 ? at : kDoesNotFit), std::memory_order_relaxed);
  return at;
}

}  // namespace jitcorral::sites
