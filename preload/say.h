// Lines on standard error: whole, by one write(2), and only if descriptor 2 is still the file that
// it was when the process began (a daemon may have opened its database there).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "jitcorral/range.h"

namespace jitcorral {

// A line of at most 1000 characters; what is longer is cut.
class Line {
 public:
  // Begins with "[jitcorral:TAG] pid=N exe=NAME".
  explicit Line(std::string_view tag);
  Line& operator<<(std::string_view text);
  Line& operator<<(std::uint64_t number);
  Line& operator<<(int number);
  Line& operator<<(Address address);     // 0x...
  Line& operator<<(Bytes size);          // as bytes
  Line& operator<<(AddressRange range);  // 0x...-0x...
  std::string_view text() const { return {text_, size_}; }

 private:
  char text_[1024];
  std::size_t size_ = 0;
};

namespace say {

// Takes descriptor 2's identity. From the constructor.
void remember_stderr();
// Under a seccomp filter that came after the start no line is ever written: the calls it takes may
// not be among those that the filter allows.
void fall_silent(bool yes);
bool is_silent();

// Writes the line and a newline. Never blocks, raises no signal, keeps errno. False if it could not
// be written.
bool write_line(Line& line);

}  // namespace say
}  // namespace jitcorral
