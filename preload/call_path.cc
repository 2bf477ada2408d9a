#include "call_path.h"

#include <atomic>

#include "backtrace.h"
#include "jitcorral/engines.h"
#include "layout.h"
#include "modules.h"
#include "process.h"
#include "purposes.h"
#include "seccomp_status.h"
#include "symbol_file.h"
#include "virtual_call.h"

namespace jitcorral::call_path {
namespace {

// From a call path as addresses to the same path as build-ids and offsets, which takes longer to
// find than the path. An entry of a library that was unloaded is a wrong guess at worst.
struct KnownPath {
  std::atomic<std::uint64_t> addresses{0};
  std::atomic<std::uint64_t> fingerprint{0};
};
constexpr std::size_t kPaths = 512;
constinit KnownPath paths[kPaths];

std::uint64_t fingerprint_of(const void* const* frames, std::size_t count) {
  std::uint64_t hash = count;
  for (std::size_t i = 0; i < count; ++i) {
    const Module module = modules::containing(frames[i]);
    if (!module.found()) break;
    const std::uint64_t offset = reinterpret_cast<std::uint64_t>(frames[i]) - module.bias;
    hash = mix(hash ^ modules::identity(module) ^ mix(offset));
  }
  return hash;
}

constexpr unsigned kMaxFrames = 8;
static_assert(kMaxFrames <= kMostLookUps);

}  // namespace

std::uint64_t fingerprint(const void* return_address, Role role) {
  const void* frames[kMaxFrames];
  // A learned caller may hold an allocator's lock: its stack is not walked.
  if (role == Role::kLearned) return mix(reinterpret_cast<std::uint64_t>(return_address));
  const std::size_t wanted = frames_for(role);
  if (wanted == 0) return 0;
  const std::size_t count = unwind_from(return_address, frames, wanted);
  if (count == 0) return 0;
  std::uint64_t addresses = count;
  for (std::size_t i = 0; i < count; ++i)
    addresses = mix(addresses ^ reinterpret_cast<std::uint64_t>(frames[i]));
  KnownPath& known = paths[addresses % kPaths];
  // Acquire pairs with the release below: who sees the path sees its fingerprint. A torn pair of
  // two writers is a wrong guess, no more.
  if (known.addresses.load(std::memory_order_acquire) == addresses)
    return known.fingerprint.load(std::memory_order_relaxed);
  const std::uint64_t hash = fingerprint_of(frames, count);
  known.fingerprint.store(hash, std::memory_order_relaxed);
  known.addresses.store(addresses, std::memory_order_release);
  return hash;
}

namespace {

// The innermost function that says something wins.
class Asking final : public SymbolVisitor {
 public:
  explicit Asking(Role role) : role_(role) {}
  void visit(std::size_t, std::string_view name) override {
    if (said == Kind::kUnknown) said = purpose_of(role_, name);
  }
  Kind said = Kind::kUnknown;

 private:
  Role role_;
};

// Frames of the executable, whose names only its file has.
Kind ask_file(const void* const* frames, std::size_t count, Role role) {
  // Each path costs the reading of a symbol table; a host with more paths than this learns.
  constexpr std::uint32_t kMost = 64;
  static constinit std::atomic<std::uint32_t> asked{0};
  if (process.filtered.load(std::memory_order_relaxed) ||
      asked.fetch_add(1, std::memory_order_relaxed) >= kMost || seccomp::filters_in_force() != 0)
    return Kind::kUnknown;
  std::uint64_t addresses[kMaxFrames];
  std::size_t n = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Module module = modules::containing(frames[i]);
    if (!module.found() || module.path[0] != '\0') continue;
    addresses[n++] = reinterpret_cast<std::uint64_t>(frames[i]) - module.bias;
  }
  Asking asking(role);
  if (n > 0) look_up_symbols("/proc/self/exe", addresses, n, asking);
  return asking.said;
}

}  // namespace

Kind purpose(const void* return_address, Role role) {
  if (!has_purposes(role)) return Kind::kUnknown;
  const void* frames[kMaxFrames];
  const std::size_t count = unwind_from(return_address, frames, kMaxFrames);
  for (std::size_t i = 0; i < count; ++i) {
    const Module module = modules::containing(frames[i]);
    if (!module.found()) break;
    const std::string_view function = modules::symbol_at(module, frames[i]);
    Kind said = purpose_of(role, function);
    if (said == Kind::kUnknown && is_told_by_call(role, function))
      said = purpose_of_call(role, function, virtual_slot(frames[i]));
    if (said != Kind::kUnknown) return said;
  }
  return names_are_in_file(role) ? ask_file(frames, count, role) : Kind::kUnknown;
}

}  // namespace jitcorral::call_path
