#include "proc_maps.h"

#include <cstring>

#include "jitcorral/glob.h"
#include "kernel.h"

namespace jitcorral {
namespace {

// Takes a hexadecimal number off the front.
bool take_hex(std::string_view& text, std::uint64_t& out) {
  out = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && digits < 16; ++digits) {
    const char c = text[digits];
    if (c >= '0' && c <= '9')
      out = out << 4 | static_cast<std::uint64_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      out = out << 4 | (static_cast<std::uint64_t>(c - 'a') + 10);
    else
      break;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

}  // namespace

MapsLine parse_maps_line(std::string_view line) {
  MapsLine parsed;
  std::uint64_t begin = 0, end = 0;
  if (!take_hex(line, begin) || line.empty() || line[0] != '-') return {};
  line.remove_prefix(1);
  if (!take_hex(line, end)) return {};
  parsed.range = {Address{begin}, Address{end}};
  const std::size_t slash = line.find('/');
  if (slash != std::string_view::npos) parsed.path = behind(line, slash);
  return parsed;
}

AddressRange find_mapped_file(std::string_view glob) {
  const KernelResult file = kernel::open_readonly("/proc/self/maps");
  if (!file.ok()) return {};
  const int fd = static_cast<int>(file.raw);
  AddressRange found;
  char found_path[256] = {};
  std::size_t found_size = 0;
  char text[4096];
  std::size_t held = 0;
  for (bool done = false; !done;) {
    const KernelResult r = kernel::read(fd, text + held, sizeof text - held);
    done = !r.ok() || r.raw == 0;
    if (!done) held += static_cast<std::size_t>(r.raw);
    std::string_view rest(text, held);
    for (std::size_t newline; (newline = rest.find('\n')) != std::string_view::npos;) {
      const MapsLine line = parse_maps_line({rest.data(), newline});
      rest.remove_prefix(newline + 1);
      const bool matches = found.empty()
                               ? !line.path.empty() && (glob_match(glob, line.path) ||
                                                        glob_match(glob, basename_of(line.path)))
                               : line.path == std::string_view(found_path, found_size);
      if (!matches || line.path.size() > sizeof found_path) continue;
      if (found.empty()) {
        found_size = line.path.size();
        std::memcpy(found_path, line.path.data(), found_size);
      }
      found = hull(found, line.range);
    }
    held = rest.size();
    if (held == sizeof text) held = 0;  // a line longer than any path
    std::memmove(text, rest.data(), held);
  }
  kernel::close(fd);
  return found;
}

}  // namespace jitcorral
