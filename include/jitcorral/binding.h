// Which reaches bind which engine: distance is not guilt. (Placeholder signature; see the table.)
#pragma once
#include <cstdint>
#include <string_view>

#include "jitcorral/reach.h"
#include "jitcorral/vocabulary.h"

namespace jitcorral {

// Whether code of an engine refers to its other mappings by instructions of such a reach.
enum class Binds : std::uint8_t { kNo, kMaybe, kYes, kCount };
inline constexpr std::string_view kBindsNames[] = {"no", "maybe", "yes"};

struct Binding {
  Binds binds = Binds::kMaybe;
  std::string_view why;  // with its source
};

// `module`: path of the caller's module. `version`: the engine's ("14.0.6"); empty: unknown.
Binding binding_of(Role role, std::string_view module, std::string_view version, Isa isa,
                   ReachKind reach);

}  // namespace jitcorral
