#include "steer.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <cerrno>

#include "call_path.h"
#include "guard.h"
#include "messages.h"
#include "modules.h"
#include "opening.h"
#include "proc_maps.h"
#include "process.h"
#include "recorder.h"

namespace jitcorral::steering {
namespace {

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

// No room was found for the window: that took thousands of calls, and will most often be so the
// next time. The host may free some, so it is looked for again, each time after twice as many
// calls. A lost count costs nothing.
class BackOff {
 public:
  bool skips() {
    const std::uint32_t left = left_.load(std::memory_order_relaxed);
    if (left != 0) left_.store(left - 1, std::memory_order_relaxed);
    return left != 0;
  }
  void failed() {
    constexpr std::uint32_t kFirst = 64, kMost = 1U << 20;
    const std::uint32_t last = last_.load(std::memory_order_relaxed);
    const std::uint32_t next = last == 0 ? kFirst : (last < kMost ? last * 2 : kMost);
    last_.store(next, std::memory_order_relaxed);
    left_.store(next, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t> left_{0};
  std::atomic<std::uint32_t> last_{0};
};
constinit BackOff back_off[2];  // by door: they look in different places

struct Opened {
  PlaceFailure failure = PlaceFailure::kNone;
  // The host's own call, if the place of the window depended on it; it is already made.
  bool probed = false;
  KernelResult probe;
};

Opened ensure_open(const MapCall& call, const void* site, Door door) {
  if (process.window.is_open()) return {};
  BackOff& later = back_off[door == Door::kAllocator ? 1 : 0];
  if (later.skips()) return {PlaceFailure::kCannotOpen, false, {}};
  if (!process.window.begin_opening(Guard::thread()))
    return {wait_for_opening() ? PlaceFailure::kNone : PlaceFailure::kOpening, false, {}};
  Surroundings around = look_around(site, door);
  const bool may_shield = process.window.may_shield();
  Opened opened;
  if (door == Door::kMmap && needs_probe(settings, around, may_shield)) {
    opened.probed = true;
    opened.probe = kernel::map(call);
    if (!opened.probe.ok()) {
      process.window.abandon(Guard::thread());
      opened.failure = PlaceFailure::kRefused;
      return opened;
    }
    around.probe =
        range_of(opened.probe.address(), round_up(call.length, process.window.page_size().bytes()));
  }
  const auto place = find_site(settings, around, may_shield);
  if (!place) {
    process.window.abandon(Guard::thread());
    later.failed();
    opened.failure = PlaceFailure::kCannotOpen;
    return opened;
  }
  if (!process.window.publish(*place, Guard::thread())) {
    if (place->shielded) kernel::unmap(place->layout.window);
    // A handler may have forked meanwhile, and this is the child: nobody opens any more.
    if (!process.window.is_open()) opened.failure = PlaceFailure::kOpening;
    return opened;
  }
  messages::config_problems();
  messages::window_opened();
  recorder::window_opened();
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

// Who asked, for the record.
struct Asker {
  Call door = Call::kMap;
  Role role = Role::kNone;
  const void* site = nullptr;
  std::uint64_t fingerprint = 0;
  std::uint16_t slot = Learner::kNoSlot;
};

Asker ask(Call door, Role role, const void* site) {
  Asker asker{door, role, site, call_path::fingerprint(site, role), Learner::kNoSlot};
  asker.slot = process.learner.slot_for(asker.fingerprint);
  // Once a path: the next of its calls knows.
  if (settings.mode != Mode::kScatter && asker.slot != Learner::kNoSlot &&
      !process.learner.is_named(asker.slot))
    process.learner.name(asker.slot, call_path::purpose(site, role));
  return asker;
}

void record(const Asker& asker, const MapCall& call, Outcome outcome, AddressRange at, Kind kind,
            PlaceFailure failure = PlaceFailure::kNone, int error = 0) {
  if (!recorder::is_wanted()) return;
  recorder::Note n;
  n.call = asker.door;
  n.outcome = outcome;
  n.reason = static_cast<std::uint8_t>(failure);
  n.kind = kind;
  n.prot = call.prot;
  n.flags = call.flags;
  n.error = error;
  n.at = at;
  n.other = call.hint.value;
  n.fingerprint = asker.fingerprint;
  n.site = asker.site;
  n.role = asker.role;
  recorder::note(n);
}

void note_placed(AddressRange at, const MapCall& call, Kind kind, const Asker& asker) {
  process.learner.placed(asker.slot, process.window.pages_of(at));
  process.record.note_steered();
  record(asker, call, Outcome::kSteered, at, kind);
  messages::placed(at.begin, call, kind, asker.site);
}

bool must_fail(PlaceFailure failure) {
  return settings.on_full == OnFull::kFail && failure != PlaceFailure::kRefused;
}

// The same call again, as the host made it.
KernelResult fall_back(const MapCall& call, const Placed& placed, const Asker& asker,
                       const Opened& opened) {
  if (must_fail(placed.failure)) {
    if (opened.probed && opened.probe.ok()) kernel::unmap(mapped_range(opened.probe, call));
    process.record.note_failed();
    record(asker, call, Outcome::kFailed, {}, Kind::kUnknown, placed.failure, placed.error);
    messages::fell_back("mmap", call.length, placed, true, asker.site);
    return {-ENOMEM};
  }
  const KernelResult r = opened.probed ? opened.probe : map_as_host(call);
  if (accept_inside(r, call)) {
    process.record.note_steered();
    record(asker, call, Outcome::kSteered, mapped_range(r, call), Kind::kUnknown);
  } else if (r.ok()) {
    process.record.note_fell_back();
    process.suspects.forget(mapped_range(r, call));
    record(asker, call, Outcome::kFellBack, mapped_range(r, call), Kind::kUnknown, placed.failure,
           placed.error);
    messages::fell_back("mmap", call.length, placed, false, asker.site);
  } else {
    process.record.note_passed(PassReason::kRefused);  // nor would it have been granted bare
  }
  return r;
}

AddressRange scatter_space() {
  const std::uint64_t stack = getauxval(AT_RANDOM);
  return {Address{stack / 64}, Address{stack - stack / 64}};
}

KernelResult scatter(const MapCall& call, const Asker& asker) {
  messages::config_problems();
  const Bytes length = round_up(call.length, process.window.page_size().bytes());
  const KernelResult r =
      process.scatter.map(call, scatter_space(), process.random,
                          huge_alignment(length).count != 0 ? huge_alignment(length)
                                                            : process.window.page_size().bytes());
  if (r.ok()) {
    process.record.note_steered();
    record(asker, call, Outcome::kSteered, mapped_range(r, call), Kind::kUnknown);
    messages::placed(r.address(), call, Kind::kUnknown, asker.site);
    return r;
  }
  return fall_back(call, {PlaceFailure::kForeign, {}, r.error()}, asker, {});
}

}  // namespace

bool is_address_space_limited() {
  struct rlimit limit = {};
  return kernel::get_rlimit(RLIMIT_AS, &limit).ok() && limit.rlim_cur != RLIM_INFINITY;
}

bool gave_way(KernelResult r) {
  if (r.error() != ENOMEM || !process.window.may_shield() || process.window.is_frugal() ||
      !process.window.any_shielded(process.window.range()) || !is_address_space_limited())
    return false;
  process.window.unshield();
  return true;
}

KernelResult map_as_host(const MapCall& call) {
  const KernelResult r = kernel::map(call);
  return gave_way(r) ? kernel::map(call) : r;
}

KernelResult map(const MapCall& call, const Caller& caller, const void* site) {
  const Asker asker = ask(Call::kMap, caller.role, site);
  if (settings.mode == Mode::kScatter) return scatter(call, asker);
  if (caller.role == Role::kLearned && process.learner.is_mostly_data(asker.slot)) {
    process.record.note_passed(PassReason::kSignature);
    const KernelResult r = map_as_host(call);
    if (r.ok()) record(asker, call, Outcome::kPassed, mapped_range(r, call), Kind::kUnknown);
    return r;
  }
  const Kind kind = kind_for(call, asker.slot);
  Opened opened = ensure_open(call, site, Door::kMmap);
  if (opened.failure != PlaceFailure::kNone)
    return fall_back(call, {opened.failure, {}, 0}, asker, opened);
  if (process.window.kernel_first()) {
    if (!opened.probed) opened = {PlaceFailure::kNone, true, kernel::map(call)};
    if (!opened.probe.ok()) {
      process.record.note_passed(PassReason::kRefused);
      return opened.probe;
    }
    if (accept_inside(opened.probe, call)) {
      note_placed(mapped_range(opened.probe, call), call, kind, asker);
      return opened.probe;
    }
    // To place it inside, the probe would have to be unmapped, which a filter may not allow.
    if (process.filtered.load(std::memory_order_relaxed))
      return fall_back(call, {PlaceFailure::kForeign, {}, 0}, asker, opened);
  }
  const Placed placed = process.window.place(call, kind, process.window.page_size().bytes(),
                                             huge_alignment(call.length));
  if (placed.failure != PlaceFailure::kNone) return fall_back(call, placed, asker, opened);
  if (opened.probed && opened.probe.ok()) kernel::unmap(mapped_range(opened.probe, call));
  const KernelResult r{static_cast<long>(placed.at.value)};
  note_placed(mapped_range(r, call), call, kind, asker);
  return r;
}

bool allocate(Bytes size, Bytes alignment, const Caller& caller, const void* site, Address& out,
              allocator::Unserved& unserved) {
  const Bytes page = process.window.page_size().bytes();
  const MapCall call{
      {}, round_up(size, page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
  const Asker asker = ask(Call::kAllocate, caller.role, site);
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
    record(asker, call, Outcome::kSteered, range_of(out, call.length), Kind::kUnknown);
    messages::placed(out, call, Kind::kUnknown, site);
    return true;
  }
  const Kind kind = process.learner.kind_of(asker.slot);
  const Opened opened = ensure_open(call, site, Door::kAllocator);
  Placed placed{opened.failure, {}, 0};
  if (placed.failure == PlaceFailure::kNone)
    placed = process.window.place(call, kind, alignment, huge_alignment(size));
  if (placed.failure != PlaceFailure::kNone) {
    process.record.note_fell_back();
    unserved = {Outcome::kFellBack, placed.failure, placed.error, asker.role, asker.fingerprint};
    messages::fell_back("posix_memalign", size, placed, false, site);
    return false;
  }
  const AddressRange at = range_of(placed.at, call.length);
  process.window.mark_extent(at);
  note_placed(at, call, kind, asker);
  out = placed.at;
  return true;
}

}  // namespace jitcorral::steering
