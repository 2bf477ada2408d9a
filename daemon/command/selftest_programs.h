// The interpreters that `selftest` looks for, and what each is given to do: a program that gives
// the same each time, hot enough for a JIT to compile it, with threads, a child and a fork where
// the language has them. Its first line of output is the engine's version.
#pragma once

#include <span>
#include <string_view>

namespace jitcorral::command {

struct SelftestProgram {
  std::string_view name;         // what --only takes
  std::string_view executables;  // names to look for in PATH, parted by blanks; the first found
  std::string_view arguments;  // parted by blanks; %f: a file that holds `text`, %x: the executable
  std::string_view suffix;     // of that file
  std::string_view text;
};
std::span<const SelftestProgram> selftest_programs();

}  // namespace jitcorral::command
