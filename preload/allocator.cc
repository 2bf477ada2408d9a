#include "allocator.h"

#include <stdlib.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "call_path.h"
#include "caller.h"
#include "guard.h"
#include "modules.h"
#include "process.h"
#include "steer.h"
#include "witness.h"

namespace jitcorral::allocator {
namespace {

// The stubs: resolve, then tail into the real one.
void first_free(void* p) {
  resolve();
  next.free(p);
}
void* first_realloc(void* p, std::size_t n) {
  resolve();
  return next.realloc(p, n);
}
void* first_reallocarray(void* p, std::size_t n, std::size_t m) {
  resolve();
  return next.reallocarray(p, n, m);
}
std::size_t first_usable_size(void* p) {
  resolve();
  return next.malloc_usable_size(p);
}
int first_posix_memalign(void** p, std::size_t a, std::size_t n) {
  resolve();
  return next.posix_memalign(p, a, n);
}
void* first_aligned_alloc(std::size_t a, std::size_t n) {
  resolve();
  return next.aligned_alloc(a, n);
}
void* first_memalign(std::size_t a, std::size_t n) {
  resolve();
  return next.memalign(a, n);
}
void* first_valloc(std::size_t n) {
  resolve();
  return next.valloc(n);
}
void* first_pvalloc(std::size_t n) {
  resolve();
  return next.pvalloc(n);
}

void first_free_sized(void* p, std::size_t n) {
  resolve();
  next.free_sized(p, n);
}
void first_free_aligned_sized(void* p, std::size_t a, std::size_t n) {
  resolve();
  next.free_aligned_sized(p, a, n);
}

// For names that an old or other libc lacks; nobody there can call them.
int no_posix_memalign(void**, std::size_t, std::size_t) {
  return ENOMEM;
}
void* no_aligned_alloc(std::size_t, std::size_t) {
  return nullptr;
}
void* no_valloc(std::size_t) {
  return nullptr;
}
// glibc before 2.26 has no reallocarray.
void* plain_reallocarray(void* p, std::size_t n, std::size_t m) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(n, m, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return next.realloc(p, bytes);
}

void plain_free_sized(void* p, std::size_t) {
  next.free(p);
}
void plain_free_aligned_sized(void* p, std::size_t, std::size_t) {
  next.free(p);
}

constinit bool all_ours = false;

template <typename Function>
void bind(Function*& slot, const char* name, Function* otherwise) {
  auto* found = reinterpret_cast<Function*>(modules::next_definition(name));
  slot = found != nullptr ? found : otherwise;
}

}  // namespace

constinit Next next = {
    first_free,           first_realloc,       first_reallocarray,      first_usable_size,
    first_posix_memalign, first_aligned_alloc, first_memalign,          first_valloc,
    first_pvalloc,        first_free_sized,    first_free_aligned_sized};
constinit std::atomic<std::uint64_t> lowest_served{0};
constinit std::atomic<std::uint64_t> highest_served{0};

void resolve() {
  // Every libc has free, realloc, malloc_usable_size.
  bind(next.free, "free", next.free);
  bind(next.realloc, "realloc", next.realloc);
  bind(next.malloc_usable_size, "malloc_usable_size", next.malloc_usable_size);
  bind(next.reallocarray, "reallocarray", plain_reallocarray);
  bind(next.posix_memalign, "posix_memalign", no_posix_memalign);
  bind(next.aligned_alloc, "aligned_alloc", no_aligned_alloc);
  bind(next.memalign, "memalign", no_aligned_alloc);
  bind(next.valloc, "valloc", no_valloc);
  bind(next.pvalloc, "pvalloc", no_valloc);
  bind(next.free_sized, "free_sized", plain_free_sized);
  bind(next.free_aligned_sized, "free_aligned_sized", plain_free_aligned_sized);
}

void find_out_whether_ours() {
  constexpr const char* kNames[] = {
      "free",           "realloc",           "malloc_usable_size", "reallocarray",
      "posix_memalign", "aligned_alloc",     "memalign",           "valloc",
      "free_sized",     "free_aligned_sized"};
  const AddressRange us = modules::containing(reinterpret_cast<const void*>(&resolve)).mapped;
  for (const char* name : kNames) {
    const void* first = modules::first_definition(name);
    if (!us.contains(Address{reinterpret_cast<std::uint64_t>(first)})) return;
  }
  all_ours = true;
}

namespace {

void widen_served(std::uint64_t at) {
  std::uint64_t low = lowest_served.load(std::memory_order_relaxed);
  while ((low == 0 || at < low) &&
         !lowest_served.compare_exchange_weak(low, at, std::memory_order_relaxed)) {
  }
  std::uint64_t high = highest_served.load(std::memory_order_relaxed);
  // Release: pairs with the acquire in may_be_ours().
  while (at > high && !highest_served.compare_exchange_weak(high, at, std::memory_order_release)) {
  }
}

}  // namespace

void* serve(std::size_t alignment, std::size_t size, const void* site, Unserved& unserved) {
  const Bytes page = process.window.page_size().bytes();
  if (alignment < page.count || !all_ours || !process.active.load(std::memory_order_acquire))
    return nullptr;
  // Engines ask for whole pages, for they will protect them.
  if (size == 0 || size % page.count != 0 || !std::has_single_bit(alignment) ||
      alignment > mib(2).count || size > process.max.count)
    return nullptr;
  if (settings.mode == Mode::kExecOnly) return nullptr;
  const Guard guard;
  if (!guard.outermost()) return nullptr;
  Caller caller = callers::at(site);
  if (caller.is_interceptor) [[unlikely]] {
    site = callers::behind_interceptors(site);
    caller = callers::at(site);
  }
  if (decide({{}, Bytes{size}, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}, caller,
             Door::kAllocator, settings))
    return nullptr;
  if (settings.mode == Mode::kObserve) {
    process.record.note_would_steer();
    if (recorder::is_wanted())
      unserved = {Outcome::kWouldSteer, PlaceFailure::kNone, 0, caller.role,
                  call_path::fingerprint(site, caller.role)};
    return nullptr;
  }
  Address at;
  if (!steering::allocate(Bytes{size}, Bytes{alignment}, caller, site, at, unserved))
    return nullptr;
  widen_served(at.value);
  return reinterpret_cast<void*>(at.value);
}

void note_unserved(const Unserved& unserved, void* pointer, std::size_t size, const void* site) {
  if (pointer == nullptr || !recorder::is_wanted()) return;
  const Guard guard;
  recorder::Note n;
  n.call = Call::kAllocate;
  n.outcome = unserved.outcome;
  n.reason = static_cast<std::uint8_t>(unserved.failure);
  n.error = unserved.error;
  n.prot = PROT_READ | PROT_WRITE;
  n.at = range_of(Address{reinterpret_cast<std::uint64_t>(pointer)},
                  round_up(Bytes{size}, process.window.page_size().bytes()));
  n.fingerprint = unserved.fingerprint;
  n.site = site;
  n.role = unserved.role;
  recorder::note(n);
  // So that free() looks at it, although it is not ours.
  widen_served(n.at.begin.value);
}

namespace {

AddressRange extent_at(const void* pointer) {
  const Address at{reinterpret_cast<std::uint64_t>(pointer)};
  return settings.mode == Mode::kScatter ? process.scatter.extent_at(at)
                                         : process.window.extent_at(at);
}

}  // namespace

std::size_t extent_size(const void* pointer) {
  return extent_at(pointer).size().count;
}

void note_freed(void* pointer) {
  const Address at{reinterpret_cast<std::uint64_t>(pointer)};
  const Bytes page = process.window.page_size().bytes();
  if (!recorder::is_on() || !is_aligned(at, page) || !recorder::watches(range_of(at, page))) return;
  // How long it was only its allocator knows, which gives a little more than whole pages; and that
  // can be asked only if both names are the same allocator's.
  const auto module_of = [](auto* function) {
    return modules::containing(reinterpret_cast<const void*>(function)).mapped;
  };
  const bool can_ask = module_of(next.free) == module_of(next.malloc_usable_size);
  const Bytes size = can_ask ? Bytes{next.malloc_usable_size(pointer)} : page;
  witness::going(Call::kFree, range_of(at, round_down(size, page)));
}

void give_back(void* pointer) {
  const AddressRange extent = extent_at(pointer);
  process.record.note_given_back();
  const std::uint64_t ticket = witness::going(Call::kFree, extent);
  if (settings.mode == Mode::kScatter) {
    process.scatter.forget(extent.begin);
    kernel::unmap(extent);
  } else if (const KernelResult r = process.window.unmap(extent); !r.ok()) {
    witness::gone(ticket, r);
    // Only the map count can be in the way of splitting a mapping; the pages stay ours, and a
    // second free of the pointer would reach the next allocator as it would without us.
  }
}

void* resize(void* pointer, std::size_t size) {
  const std::size_t old = size_of_ours(pointer);
  if (size == 0) {
    give_back(pointer);
    return nullptr;
  }
  if (size <= old && size > old / 2) return pointer;
  void* fresh = malloc(size);
  if (fresh == nullptr) return nullptr;
  std::memcpy(fresh, pointer, old < size ? old : size);
  give_back(pointer);
  return fresh;
}

}  // namespace jitcorral::allocator
