// From a command line to the executable that the kernel would start for it at last: PATH, #!, env,
// pyenv's shims. Nothing is run.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "inspect/surroundings.h"

namespace jitcorral::inspect {

inline constexpr int kCannotRun = 126;
inline constexpr int kNotFound = 127;

// The command can't be started, or not be read; `status` as a shell has it.
class CannotStart : public std::runtime_error {
 public:
  CannotStart(int status, const std::string& why) : std::runtime_error(why), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

struct Program {
  std::string path;                    // as it was found
  std::string real;                    // without links, as the kernel knows it
  std::vector<std::string> arguments;  // behind its name
  std::vector<std::string> steps;      // how it was come to, for people
  std::string script;                  // the file that it interprets; empty: none by #!
  bool loses_preload = false;          // env -i, env -u LD_PRELOAD, env LD_PRELOAD=...
  bool is_shell = false;
  bool starts_others = false;  // a program whose business is to start others: nice, strace
  std::string name() const;    // the last part of `path`
};

// `command`: at least a name. Throws CannotStart.
Program find_program(const std::vector<std::string>& command, const Surroundings& surroundings);

// The first file of that name that can be executed along PATH; the name itself if it has a slash.
// Empty: none.
std::string find_in_path(const std::string& name, const Surroundings& surroundings);

}  // namespace jitcorral::inspect
