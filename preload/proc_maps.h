// Looks a mapped file up in /proc/self/maps: for JITCORRAL_NEAR=<library>, whose name is all that
// is known. The dynamic linker's own list must not be walked here: its lock may be held by a thread
// that waits for ours.
#pragma once

#include <string_view>

#include "jitcorral/range.h"

namespace jitcorral {

// All of the first mapped file whose path or basename matches; empty if there is none or the list
// cannot be read. Opens a descriptor and closes it.
AddressRange find_mapped_file(std::string_view glob);

// One line of the list: its range, and its path if it is a file's; empty range if it is no line.
struct MapsLine {
  AddressRange range;
  std::string_view path;
};
MapsLine parse_maps_line(std::string_view line);

}  // namespace jitcorral
