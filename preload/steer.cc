#include "steer.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>

#include "caller.h"
#include "guard.h"
#include "messages.h"
#include "modules.h"
#include "opening.h"
#include "proc_maps.h"
#include "process.h"

namespace jitcorral::steering {
namespace {

// From 2 MiB on the kernel aligns anonymous mappings for huge pages (Linux 6.7); so do we.
Bytes alignment_for(Bytes length) {
  return length >= mib(2) ? mib(2) : process.window.page_size().bytes();
}

// What the window's place depends on. `site` lies in the engine.
Surroundings look_around(const void* site, Door door) {
  Surroundings around;
  around.executable = modules::executable();
  around.random = process.random;
  around.atomic_fixed = modules::kernel_version() >= (6U << 16 | 12U << 8);
  around.from_allocator = door == Door::kAllocator;
  const bool filtered = process.filtered.load(std::memory_order_relaxed);
  around.limits_known = !filtered;
  // Only what lies beside the executable or low minds the heap; sbrk asks the kernel if nothing was
  // ever allocated.
  around.heap_end = around.executable.end;
  const bool minds_heap =
      settings.near == Near::kExe || settings.near == Near::kLow || door == Door::kAllocator;
  if (minds_heap && !filtered) around.heap_end = {reinterpret_cast<std::uint64_t>(sbrk(0))};
  const AddressRange engine = modules::containing(site).mapped;
  const AddressRange libc = modules::containing(process.libc).mapped;
  const auto* linker = reinterpret_cast<const void*>(getauxval(AT_BASE));
  AddressRange libraries = hull(libc, modules::containing(linker).mapped);
  // An executable that lies alone is no part of the libraries' neighbourhood; an engine that was
  // loaded behind gigabytes of other mappings is the only neighbour that counts.
  if (!engine.empty() && are_neighbours(engine, libraries)) {
    const AddressRange both = hull(engine, libraries);
    libraries = both.size() < gib(1) ? both : engine;
  }
  around.libraries = libraries;
  if (settings.near == Near::kLibrary && !filtered)
    around.named = find_mapped_file(settings.near_library[0]);
  return around;
}

// Another thread opens the window. It has at most a dozen system calls to make, but may have to
// wait for a processor; some 100 ms are its share. Waiting is bounded, because that thread may have
// been killed in the middle, or left it by longjmp: then nobody waits a second time.
bool wait_for_opening() {
  constexpr int kSpins = 2000, kYields = 200000;
  for (int i = 0; i < kSpins + kYields; ++i) {
    if (!process.window.is_opening()) return process.window.is_open();
    if (process.opening_is_stuck.load(std::memory_order_relaxed)) return false;
    if (i >= kSpins && process.filtered.load(std::memory_order_relaxed)) return false;
    if (i >= kSpins) kernel::yield();
  }
  process.opening_is_stuck.store(true, std::memory_order_relaxed);
  return false;
}

struct Opened {
  PlaceFailure failure = PlaceFailure::kNone;
  // The host's own call, if the place of the window depended on it; it is already made.
  bool probed = false;
  KernelResult probe;
};

Opened ensure_open(const MapCall& call, const void* site, Door door) {
  if (process.window.is_open()) return {};
  if (!process.window.begin_opening(Guard::thread()))
    return {wait_for_opening() ? PlaceFailure::kNone : PlaceFailure::kOpening, false, {}};
  Surroundings around = look_around(site, door);
  const bool may_shield = process.window.may_shield();
  Opened opened;
  if (door == Door::kMmap && needs_probe(settings, around, may_shield)) {
    opened.probed = true;
    opened.probe = kernel::map(call);
    if (!opened.probe.ok()) {
      process.window.abandon();
      opened.failure = PlaceFailure::kRefused;
      return opened;
    }
    around.probe =
        range_of(opened.probe.address(), round_up(call.length, process.window.page_size().bytes()));
  }
  const auto place = find_site(settings, around, may_shield);
  if (!place) {
    process.window.abandon();
    opened.failure = PlaceFailure::kCannotOpen;
    return opened;
  }
  if (!process.window.publish(*place)) {
    if (place->shielded) kernel::unmap(place->layout.window);
    return opened;
  }
  messages::config_problems();
  messages::window_opened();
  return opened;
}

void own(AddressRange mapped) {
  process.window.settle({mapped}, true);
}

AddressRange mapped_range(KernelResult r, const MapCall& call) {
  return range_of(r.address(), round_up(call.length, process.window.page_size().bytes()));
}

// The kernel's own choice, taken if it lies inside.
bool accept_inside(KernelResult r, const MapCall& call) {
  if (!r.ok()) return false;
  const AddressRange at = mapped_range(r, call);
  if (!process.window.range().contains(at)) return false;
  own(at);
  return true;
}

Kind kind_for(const MapCall& call, std::uint16_t slot) {
  if ((call.prot & PROT_EXEC) != 0) return Kind::kCode;
  return process.learner.kind_of(slot);
}

void note_placed(AddressRange at, const MapCall& call, Kind kind, std::uint16_t slot,
                 const void* site) {
  process.learner.placed(slot, process.window.pages_of(at));
  process.record.note_steered();
  messages::placed(at.begin, call, kind, site);
}

bool must_fail(PlaceFailure failure) {
  return settings.on_full == OnFull::kFail && failure != PlaceFailure::kRefused;
}

// The same call again, as the host made it.
KernelResult fall_back(const MapCall& call, const Placed& placed, const void* site,
                       const Opened& opened) {
  if (must_fail(placed.failure)) {
    if (opened.probed && opened.probe.ok()) kernel::unmap(mapped_range(opened.probe, call));
    process.record.note_failed();
    messages::fell_back("mmap", call.length, placed, true, site);
    return {-ENOMEM};
  }
  const KernelResult r = opened.probed ? opened.probe : map_as_host(call);
  if (accept_inside(r, call)) {
    process.record.note_steered();
  } else if (r.ok()) {
    process.record.note_fell_back();
    messages::fell_back("mmap", call.length, placed, false, site);
  } else {
    process.record.note_passed(PassReason::kRefused);  // nor would it have been granted bare
  }
  return r;
}

AddressRange scatter_space() {
  const std::uint64_t stack = getauxval(AT_RANDOM);
  return {Address{stack / 64}, Address{stack - stack / 64}};
}

KernelResult scatter(const MapCall& call, const void* site) {
  messages::config_problems();
  const Bytes length = round_up(call.length, process.window.page_size().bytes());
  const KernelResult r =
      process.scatter.map(call, scatter_space(), process.random, alignment_for(length));
  if (r.ok()) {
    process.record.note_steered();
    messages::placed(r.address(), call, Kind::kUnknown, site);
    return r;
  }
  return fall_back(call, {PlaceFailure::kForeign, {}, r.error()}, site, {});
}

}  // namespace

bool is_address_space_limited() {
  struct rlimit limit = {};
  return kernel::get_rlimit(RLIMIT_AS, &limit).ok() && limit.rlim_cur != RLIM_INFINITY;
}

KernelResult map_as_host(const MapCall& call) {
  const KernelResult r = kernel::map(call);
  if (r.error() != ENOMEM || !process.window.may_shield() || process.window.is_frugal() ||
      !process.window.any_shielded(process.window.range()) || !is_address_space_limited())
    return r;
  process.window.unshield();
  return kernel::map(call);
}

KernelResult map(const MapCall& call, const Caller& caller, const void* site) {
  if (settings.mode == Mode::kScatter) return scatter(call, site);
  const std::uint16_t slot = process.learner.slot_for(callers::fingerprint(site, caller.role));
  if (caller.role == Role::kLearned && process.learner.is_mostly_data(slot)) {
    process.record.note_passed(PassReason::kSignature);
    return kernel::map(call);
  }
  const Kind kind = kind_for(call, slot);
  Opened opened = ensure_open(call, site, Door::kMmap);
  if (opened.failure != PlaceFailure::kNone)
    return fall_back(call, {opened.failure, {}, 0}, site, opened);
  if (process.window.kernel_first()) {
    if (!opened.probed) opened = {PlaceFailure::kNone, true, kernel::map(call)};
    if (!opened.probe.ok()) {
      process.record.note_passed(PassReason::kRefused);
      return opened.probe;
    }
    if (accept_inside(opened.probe, call)) {
      note_placed(mapped_range(opened.probe, call), call, kind, slot, site);
      return opened.probe;
    }
    // To place it inside, the probe would have to be unmapped, which a filter may not allow.
    if (process.filtered.load(std::memory_order_relaxed))
      return fall_back(call, {PlaceFailure::kForeign, {}, 0}, site, opened);
  }
  const Placed placed = process.window.place(call, kind, alignment_for(call.length));
  if (placed.failure != PlaceFailure::kNone) return fall_back(call, placed, site, opened);
  if (opened.probed && opened.probe.ok()) kernel::unmap(mapped_range(opened.probe, call));
  note_placed(range_of(placed.at, call.length), call, kind, slot, site);
  return {static_cast<long>(placed.at.value)};
}

bool allocate(Bytes size, Bytes alignment, const Caller& caller, const void* site, Address& out) {
  const Bytes page = process.window.page_size().bytes();
  const MapCall call{
      {}, round_up(size, page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
  if (settings.mode == Mode::kScatter) {
    messages::config_problems();
    const KernelResult r = process.scatter.map(call, scatter_space(), process.random, alignment);
    if (!r.ok()) return false;
    if (!process.scatter.remember(range_of(r.address(), call.length))) {
      kernel::unmap(range_of(r.address(), call.length));
      return false;
    }
    out = r.address();
    process.record.note_steered();
    messages::placed(out, call, Kind::kUnknown, site);
    return true;
  }
  const std::uint16_t slot = process.learner.slot_for(callers::fingerprint(site, caller.role));
  const Kind kind = process.learner.kind_of(slot);
  const Opened opened = ensure_open(call, site, Door::kAllocator);
  Placed placed{opened.failure, {}, 0};
  if (placed.failure == PlaceFailure::kNone) {
    const Bytes least = alignment_for(call.length);
    placed = process.window.place(call, kind, alignment < least ? least : alignment);
  }
  if (placed.failure != PlaceFailure::kNone) {
    process.record.note_fell_back();
    messages::fell_back("posix_memalign", size, placed, false, site);
    return false;
  }
  const AddressRange at = range_of(placed.at, call.length);
  process.window.mark_extent(at);
  note_placed(at, call, kind, slot, site);
  out = placed.at;
  return true;
}

}  // namespace jitcorral::steering
