// Who made a call: from a return address to an engine. Each call site is looked up once and kept.
#pragma once

#include <atomic>
#include <cstdint>

#include "decide.h"
#include "modules.h"

namespace jitcorral::callers {

// The caller of an interposed function, by its return address. A few nanoseconds for a site that
// was seen before. Thread- and signal-safe.
Caller at(const void* return_address);

// The same, and certain that the module is still the one that it was when the site was first seen:
// a library may have been unloaded and another loaded in its place.
Caller confirmed_at(const void* return_address);

// The site's mappings became executable although nothing told that it is a JIT: from now on it is
// one.
void learn(const void* return_address);

// A library was closed: every caller is looked up again at its next call, for another library may
// be loaded in that place.
void forget_unloaded();

// Where the record keeps what it knows the site as; null if the site has no place of its own.
std::atomic<std::uint64_t>* recorded_as(const void* return_address);

// Module and symbol of a site, for a line of text.
struct Name {
  const char* library;
  std::string_view symbol;
};
Name name_of(const void* return_address);

// The first return address above `return_address` that lies in no function which stands in for the
// libc function that was called (Caller::is_interceptor); itself if there is none. Walks the stack.
const void* behind_interceptors(const void* return_address);

}  // namespace jitcorral::callers
