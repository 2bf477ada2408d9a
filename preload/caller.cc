#include "caller.h"

#include <atomic>

#include "backtrace.h"
#include "layout.h"
#include "process.h"

namespace jitcorral::callers {
namespace {

// role (4 bits) | included (5) | excluded (5) | where the module begins, in 4 KiB pages (40) |
// interceptor (1).
struct SiteInfo {
  Caller caller;
  std::uint64_t module_page = 0;

  std::uint64_t pack() const {
    return static_cast<std::uint64_t>(caller.role) | std::uint64_t{caller.included} << 4 |
           std::uint64_t{caller.excluded} << 9 | module_page << 14 |
           std::uint64_t{caller.is_interceptor} << 54 | 1ULL << 63;
  }
  static SiteInfo unpack(std::uint64_t w) {
    return {{static_cast<Role>(w & 0xf), static_cast<std::uint8_t>(w >> 4 & 0x1f),
             static_cast<std::uint8_t>(w >> 9 & 0x1f), (w >> 54 & 1) != 0},
            w >> 14 & ((1ULL << 40) - 1)};
  }
};

struct SiteEntry {
  std::atomic<const void*> address{nullptr};
  std::atomic<std::uint64_t> info{0};
  std::atomic<std::uint64_t> recorded{0};
};
constexpr std::size_t kSites = 2048;
constinit SiteEntry sites[kSites];

std::size_t home_of(const void* address) {
  return (reinterpret_cast<std::uint64_t>(address) * 0x9e3779b97f4a7c15) >> 53;
}
static_assert(kSites == 1U << (64 - 53));

// The entry of a site, made if there is none yet; null when its part of the table is full.
SiteEntry* entry_for(const void* address) {
  const std::size_t home = home_of(address);
  for (std::size_t probe = 0; probe < 8; ++probe) {
    SiteEntry& e = sites[(home + probe) % kSites];
    const void* seen = e.address.load(std::memory_order_acquire);
    if (seen == address) return &e;
    if (seen == nullptr &&
        (e.address.compare_exchange_strong(seen, address, std::memory_order_acq_rel) ||
         seen == address))
      return &e;
  }
  return nullptr;
}

// What the read-only data of the modules that were looked through says; few modules ever are.
struct Scanned {
  std::atomic<std::uint64_t> module{0};  // its key()
  std::atomic<std::uint8_t> role{0};     // role + 1 once it is known
};
constexpr std::size_t kScanned = 64;
constinit Scanned scans[kScanned];

Role scan(const Module& module) {
  if (!modules::has_symbol(module, kScanHint, false) &&
      !modules::has_symbol(module, kScanHint, true))
    return Role::kNone;
  for (const Marker& m : kMarkers)
    if (modules::contains_text(module, m.text)) return m.role;
  return Role::kNone;
}

// What tells a module from one that is loaded at the same place once it is gone. Never 0.
std::uint64_t key(const Module& module) {
  return mix(module.mapped.begin.value ^ modules::identity(module)) | 1;
}

Role role_by_text(const Module& module) {
  const std::uint64_t wanted = key(module);
  for (Scanned& s : scans) {
    std::uint64_t seen = s.module.load(std::memory_order_relaxed);
    if (seen == 0 && s.module.compare_exchange_strong(seen, wanted, std::memory_order_relaxed))
      seen = wanted;
    if (seen != wanted) continue;
    const std::uint8_t known = s.role.load(std::memory_order_relaxed);
    if (known != 0) return static_cast<Role>(known - 1);
    const Role role = scan(module);
    s.role.store(static_cast<std::uint8_t>(static_cast<unsigned>(role) + 1),
                 std::memory_order_relaxed);
    return role;
  }
  return scan(module);
}

std::uint8_t match(const GlobList& globs, std::string_view path, std::string_view symbol) {
  std::size_t i = globs.find(path);
  if (i == GlobList::kNoMatch && !symbol.empty()) i = globs.find(symbol);
  return i == GlobList::kNoMatch ? 0 : static_cast<std::uint8_t>(i + 1);
}

Role role_of(const Module& module, std::string_view library, std::string_view symbol) {
  for (const Engine& e : kEngines) {
    if (!e.symbol.empty()) {
      if (!symbol.empty() && glob_match(e.symbol, symbol)) return e.role;
    } else if (glob_match(e.library, library)) {
      return e.role;
    }
  }
  return role_by_text(module);
}

// Newer sanitizer runtimes call on from a local function that has no dynamic symbol, below one that
// has: every caller in their module may be such.
bool stands_in(const Module& module, std::string_view symbol) {
  if (is_interceptor(symbol)) return true;
  for (const std::string_view name : kInterceptorMarks)
    if (modules::has_symbol(module, name, true)) return true;
  return false;
}

SiteInfo classify(const void* address) {
  SiteInfo info;
  const Module module = modules::containing(address);
  if (!module.found()) return info;  // JIT code itself, or nothing that the linker knows
  // The dynamic linker has no name for the executable.
  const std::string_view path = module.path[0] != '\0' ? module.path : process.executable;
  const std::string_view symbol = modules::symbol_at(module, address);
  info.module_page = module.mapped.begin.value >> 12;
  info.caller.is_interceptor = stands_in(module, symbol);
  info.caller.included = match(settings.include, path, symbol);
  info.caller.excluded = match(settings.exclude, path, symbol);
  info.caller.role = role_of(module, basename_of(path), symbol);
  return info;
}

SiteInfo info_at(const void* address, bool confirm) {
  // The usual case, in a few instructions: a site that was seen before, in its first place.
  const SiteEntry& first = sites[home_of(address)];
  if (!confirm && first.address.load(std::memory_order_acquire) == address) [[likely]] {
    const std::uint64_t word = first.info.load(std::memory_order_acquire);
    if (word != 0) return SiteInfo::unpack(word);
  }
  SiteEntry* entry = entry_for(address);
  if (entry == nullptr) return classify(address);
  const std::uint64_t word = entry->info.load(std::memory_order_acquire);
  if (word != 0) {
    const SiteInfo info = SiteInfo::unpack(word);
    if (!confirm || modules::containing(address).mapped.begin.value >> 12 == info.module_page)
      return info;
  }
  const SiteInfo info = classify(address);
  entry->recorded.store(0, std::memory_order_relaxed);  // it may be another module's by now
  entry->info.store(info.pack(), std::memory_order_release);
  return info;
}

}  // namespace

Caller at(const void* return_address) {
  return info_at(return_address, false).caller;
}

Caller confirmed_at(const void* return_address) {
  return info_at(return_address, true).caller;
}

void learn(const void* return_address) {
  SiteEntry* entry = entry_for(return_address);
  if (entry == nullptr) return;
  SiteInfo info = info_at(return_address, false);
  if (info.caller.role != Role::kNone || info.module_page == 0) return;
  info.caller.role = Role::kLearned;
  entry->info.store(info.pack(), std::memory_order_release);
}

void forget_unloaded() {
  for (SiteEntry& e : sites) {
    std::uint64_t word = e.info.load(std::memory_order_relaxed);
    if (word == 0) continue;
    const SiteInfo info = SiteInfo::unpack(word);
    const void* address = e.address.load(std::memory_order_relaxed);
    // What was learned is not found out a second time, so it stays while its library does.
    if (info.caller.role == Role::kLearned &&
        modules::containing(address).mapped.begin.value >> 12 == info.module_page)
      continue;
    // If somebody learns meanwhile, that stands.
    e.info.compare_exchange_strong(word, 0, std::memory_order_relaxed);
  }
}

std::atomic<std::uint64_t>* recorded_as(const void* return_address) {
  SiteEntry* entry = entry_for(return_address);
  return entry == nullptr ? nullptr : &entry->recorded;
}

Name name_of(const void* return_address) {
  const Module module = modules::containing(return_address);
  if (!module.found()) return {"?", {}};
  return {module.path[0] == '\0' ? "the executable" : module.path,
          modules::symbol_at(module, return_address)};
}

const void* behind_interceptors(const void* return_address) {
  constexpr std::size_t kMost = 6;
  const void* frames[kMost];
  const std::size_t count = unwind_from(return_address, frames, kMost);
  bool within = false;
  for (std::size_t i = 0; i < count; ++i) {
    const Module module = modules::containing(frames[i]);
    const bool named = module.found() && is_interceptor(modules::symbol_at(module, frames[i]));
    if (within && !named) return frames[i];
    within = named;
  }
  return return_address;
}

}  // namespace jitcorral::callers
