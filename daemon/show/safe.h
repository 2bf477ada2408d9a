// Text that came from outside, made harmless.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "show/show.h"

namespace jitcorral::show {

// For a terminal: control characters (ESC among them), characters that change the direction of
// text, and bytes that are no UTF-8 are written as \n, \x1b, \u{202e}.
std::string printable(std::string_view text);
// For JSON: what is no UTF-8 becomes U+FFFD, one for each byte.
std::string utf8(std::string_view text);
// The last part of a path.
std::string_view basename_of(std::string_view path);

// A copy whose every text is printable. Text reports are made from these alone, so that no line can
// forget to ask.
Shown printable(const Shown& shown);
model::Session printable(const model::Session& session);
model::Run printable(const model::Run& run);

}  // namespace jitcorral::show
