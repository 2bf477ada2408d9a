// The page's own parts, from daemon/show/html/, compiled in (embed.cmake).
#pragma once

#include <string_view>

namespace jitcorral::show {

extern const std::string_view kPageFrame;   // page.html: with @NONCE@, @STYLE@, @DATA@, @SCRIPT@
extern const std::string_view kPageStyle;   // *.css
extern const std::string_view kPageScript;  // *.js, in the order of CMakeLists.txt

}  // namespace jitcorral::show
