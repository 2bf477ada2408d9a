// Standard output and standard error of the command.
#pragma once

#include <string>
#include <string_view>

#include "show/show.h"

namespace jitcorral::command {

// What was closed is opened so that it can't be used, and closed again at exec: otherwise the
// database would become standard output.
void guard_standard_streams();

// All of `text` to `fd`. A reader that has gone is no failure, and raises no SIGPIPE. False: errno
// says why.
bool write_all(int fd, std::string_view text);
// The same to standard output; a failure is said on standard error. kFailed or 0.
int print(std::string_view text);
// One line on standard error, "jitcorral: ...", with control characters made harmless; kFailed.
int fail(std::string_view why);

// One line on standard error, "jitcorral: ...": what is worth to know and no failure.
void note(std::string_view what);

// Colour if `fd` is a terminal that wants it (NO_COLOR, TERM=dumb); its width.
show::TextOptions text_options(int fd);

}  // namespace jitcorral::command
