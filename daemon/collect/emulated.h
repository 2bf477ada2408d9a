// Programs of another ISA under qemu's user mode: their memory lies in the emulator's.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collect/proc.h"
#include "model/run.h"

namespace jitcorral::collect {

// The ISA that an emulator's name says it emulates ("aarch64" of qemu-aarch64-static); empty: no
// emulator.
std::string emulator_of(const std::string& executable);

// What has to be added to the program's addresses to get the emulator's, so that all of `ranges`
// are mapped there; none: nothing does it. `sites`: where calls came from, which says where
// libraries lie.
std::optional<Bytes> shift_of(const std::vector<proc::Mapping>& mappings,
                              std::span<const AddressRange> ranges,
                              std::span<const model::Site> sites);

}  // namespace jitcorral::collect
