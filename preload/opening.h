// Finds the window's place: asks the kernel where layout.h cannot know, and says nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "jitcorral/policy.h"
#include "window.h"

namespace jitcorral {

// What the process looks like to the call that opens the window.
struct Surroundings {
  AddressRange executable;      // all of its segments
  AddressRange libraries;       // the engine that calls, and libc; the engine may be the executable
  AddressRange named;           // the library that JITCORRAL_NEAR names; empty if there is none
  Address heap_end;             // the program break
  std::uint64_t random = 0;     // seed, or bits of AT_RANDOM
  bool from_allocator = false;  // the call is an allocator's: without us it is served from the heap
  bool limits_known = true;     // false under a seccomp filter: ask the kernel nothing new
  bool atomic_fixed = false;    // see Site
  AddressRange probe;  // where the kernel put the host's own call, if needs_probe() said so
};

// Whether a shield is out of the question, so that the place depends on where the kernel puts the
// host's own call: make that first. Nothing but the host's own call is then asked of the kernel.
bool needs_probe(const Policy& policy, const Surroundings& around, bool may_shield);

// Nothing when there is no room, or a probe is needed and missing. What it returns as shielded is
// mapped.
std::optional<Site> find_site(const Policy& policy, const Surroundings& around, bool may_shield);

}  // namespace jitcorral
