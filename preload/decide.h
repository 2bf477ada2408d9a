// The decision: a request, its caller, the policy -> steer or pass, and why. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "jitcorral/engines.h"
#include "jitcorral/policy.h"
#include "kernel.h"
#include "window.h"

namespace jitcorral {

enum class Door : std::uint8_t { kMmap, kAllocator };

// What is known of the code that made the call.
struct Caller {
  Role role = Role::kNone;
  std::uint8_t included = 0;  // 1 + index of the JITCORRAL_INCLUDE glob that matched
  std::uint8_t excluded = 0;  // 1 + index of the JITCORRAL_EXCLUDE glob that matched
  // A function that stands in for libc's and hands on (ASan's, another preload's): the host's
  // caller is the one above it.
  bool is_interceptor = false;
};

// What a request alone tells, before its caller is looked at: most calls end here.
constexpr std::optional<PassReason> screen(const MapCall& call, const Policy& policy,
                                           AddressRange window, Bytes max) {
  constexpr int kLeaveAlone =
#ifdef MAP_32BIT
      MAP_32BIT |
#endif
      MAP_GROWSDOWN | MAP_STACK | MAP_HUGETLB;
  if ((call.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0) return PassReason::kFixed;
  if ((call.flags & kLeaveAlone) != 0) return PassReason::kFlags;
  if (call.length.count == 0 || call.length > max) return PassReason::kSize;
  // A hint at the window's very end is LLVM's "behind my last block". Without a window such hints
  // point to where the block before it was put, and say nothing against steering.
  const bool hinted = call.hint.value != 0;
  const bool has_window = policy.mode != Mode::kScatter && policy.mode != Mode::kObserve;
  if (hinted && has_window && !window.contains(call.hint) && call.hint != window.end)
    return PassReason::kHint;
  const bool anonymous = (call.flags & MAP_ANONYMOUS) != 0;
  // Only JIT memfds are ever of interest: shared, writable or executable, not read-only data.
  if (!anonymous && (call.flags & MAP_TYPE) == MAP_PRIVATE) return PassReason::kFile;
  if (policy.mode == Mode::kExecOnly && (!anonymous || (call.prot & PROT_EXEC) == 0))
    return PassReason::kPolicy;
  return std::nullopt;
}

// Whether this call is one by which such an engine gets memory for code and its data.
constexpr bool has_signature(Role role, const MapCall& call) {
  constexpr int kRw = PROT_READ | PROT_WRITE;
  constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
  switch (role) {
    case Role::kNone:
      return false;
    case Role::kLlvm:
      // Memory.inc asks for what its caller wants; every manager wants RW first, and code models
      // that map RWX at once are code too.
      return call.flags == kPrivate && (call.prot & kRw) == kRw;
    case Role::kJulia:
      // Its GC heap has MAP_NORESERVE. Blocks of the memory manager are >= 256 pages (cgmemmgr),
      // slabs 16 MiB, arenas PROT_NONE; dual maps are a memfd's.
      if (call.flags == kPrivate) return call.prot == kRw && call.length >= mib(1);
      if (call.flags == (kPrivate | MAP_NORESERVE))
        return call.prot == PROT_NONE && call.length <= mib(64);
      return call.flags == MAP_SHARED && call.fd >= 0 &&
             (call.prot & (PROT_WRITE | PROT_EXEC)) != 0;
    case Role::kCranelift:
      return (call.flags & ~MAP_NORESERVE) == kPrivate &&
             (call.prot == kRw || call.prot == PROT_NONE);
    case Role::kArena:
      return (call.flags & ~MAP_NORESERVE) == kPrivate;
    case Role::kLearned:
      return call.flags == kPrivate && call.prot == kRw;
    case Role::kCount:
      break;
  }
  return false;
}

// Nothing: steer it.
constexpr std::optional<PassReason> decide(const MapCall& call, const Caller& caller, Door door,
                                           const Policy& policy) {
  const bool anonymous_private =
      (call.flags & (MAP_ANONYMOUS | MAP_PRIVATE)) == (MAP_ANONYMOUS | MAP_PRIVATE);
  if (caller.excluded != 0) return PassReason::kExcluded;
  if (caller.included != 0)
    return anonymous_private ? std::nullopt : std::optional(PassReason::kFile);
  // Of what exec-only may steer, screen() let only PROT_EXEC through.
  if (policy.mode == Mode::kExecOnly || (policy.mode == Mode::kAll && door == Door::kMmap))
    return anonymous_private ? std::nullopt : std::optional(PassReason::kFile);
  if (caller.role == Role::kNone)
    return (call.flags & MAP_ANONYMOUS) != 0 ? PassReason::kCaller : PassReason::kFile;
  // Of the allocator's callers only Cranelift takes code from there.
  if (door == Door::kAllocator)
    return caller.role == Role::kCranelift ? std::nullopt : std::optional(PassReason::kCaller);
  if (!has_signature(caller.role, call)) return PassReason::kSignature;
  return std::nullopt;
}

}  // namespace jitcorral
