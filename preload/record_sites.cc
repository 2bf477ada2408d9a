#include "record_sites.h"

#include <atomic>

#include "caller.h"
#include "layout.h"
#include "modules.h"

namespace jitcorral::sites {
namespace {

constinit std::uint32_t current = 0;
constinit std::uint32_t executable_text = 0;

// Paths that were added: a hash of the path (36 bits) | generation (15) | offset / 8
// (13), in one word so that no reader meets half of two.
constexpr std::size_t kModules = 64;
constinit std::atomic<std::uint64_t> added[kModules] = {};
static_assert(ring::kTextsSize / 8 < 1U << 13);

std::uint32_t text_of(RingWriter writer, const Module& module) {
  if (module.path[0] == '\0') return executable_text;
  const std::uint64_t hash = modules::hash_of(module.path);
  const std::uint64_t key = hash >> 28 << 28 | (current & 0x7fffU) << 13;
  std::atomic<std::uint64_t>& known = added[hash % kModules];
  const std::uint64_t word = known.load(std::memory_order_relaxed);
  if (word != 0 && word >> 13 == key >> 13) return static_cast<std::uint32_t>(word & 0x1fffU) * 8;
  const std::uint32_t at = writer.add_text(module.path);
  if (at != 0) known.store(key | at / 8, std::memory_order_relaxed);
  return at;
}

}  // namespace

void begin(RingWriter writer, std::uint32_t generation, std::string_view executable) {
  current = generation;
  executable_text = writer.add_text(executable);
}

std::uint32_t id_of(RingWriter writer, const void* site, Role role) {
  std::atomic<std::uint64_t>* known = callers::recorded_as(site);
  // generation | role | offset: what a site is may be learned later, and is then told again.
  const std::uint64_t key =
      std::uint64_t{current} << 40 | std::uint64_t{static_cast<unsigned>(role)} << 32;
  if (known != nullptr) {
    const std::uint64_t word = known->load(std::memory_order_relaxed);
    if (word >> 32 == key >> 32 && word != 0) [[likely]]
      return static_cast<std::uint32_t>(word);
  }
  const Module module = modules::containing(site);
  std::uint32_t at = 0;
  if (module.found()) {
    const std::uint32_t path = text_of(writer, module);
    const std::uint32_t symbol = writer.add_text(modules::symbol_at(module, site));
    at = writer.add_site(site, reinterpret_cast<std::uint64_t>(site) - module.bias,
                         modules::identity(module), role, path, symbol);
  } else {
    at = writer.add_site(site, 0, 0, role, 0, 0);
  }
  if (known != nullptr && at != 0) known->store(key | at, std::memory_order_relaxed);
  return at;
}

}  // namespace jitcorral::sites
