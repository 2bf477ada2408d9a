// Texts in the read-only data of a module that tell what is linked into it, besides the engines'
// own (jitcorral/engines.h). All of them stay in stripped files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "jitcorral/engines.h"

namespace jitcorral::inspect {

enum class Trait : std::uint8_t {
  kJemalloc,
  kMimalloc,
  kTcmalloc,
  kWasmtime,
  kGo,
  kNamesPreload,
  kCount,
};

struct TraitMark {
  Trait trait;
  std::string_view text;
};
inline constexpr TraitMark kTraitMarks[] = {
    {Trait::kJemalloc, "<jemalloc>: "},           // every message of it (malloc_io.c)
    {Trait::kMimalloc, "mimalloc: warning: "},    // _mi_warning_message (options.c)
    {Trait::kTcmalloc, "tcmalloc: large alloc"},  // gperftools and Google's (tcmalloc.cc)
    {Trait::kWasmtime, "wasmtime-environ-"},      // panic locations of a crates.io build
    {Trait::kWasmtime, "crates/wasmtime/src"},    // the same of a checkout
    {Trait::kGo, "\xff Go buildinf:"},            // debug/buildinfo
    {Trait::kNamesPreload, "LD_PRELOAD"},
};

// The texts that are looked for, engines' first.
inline constexpr std::size_t kEngineTexts = std::size(kMarkers);
inline constexpr std::size_t kTexts = kEngineTexts + std::size(kTraitMarks);
constexpr std::string_view text_of(std::size_t i) {
  return i < kEngineTexts ? kMarkers[i].text : kTraitMarks[i - kEngineTexts].text;
}

}  // namespace jitcorral::inspect
