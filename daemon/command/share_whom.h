// Whose names `report --share` leaves out.
#pragma once

#include <cstdint>
#include <span>

#include "show/share.h"

namespace jitcorral::command {

// The asker's home and names, this machine's name, and those of the users whose runs these are.
show::Sharing share_whom(std::span<const std::uint32_t> users);

}  // namespace jitcorral::command
