// pyenv puts bash scripts by the names of Python's programs in front of PATH.
#pragma once

#include <string>

#include "inspect/surroundings.h"

namespace jitcorral::inspect {

struct PyenvShim {
  bool is_one = false;
  std::string target;  // the program that it would start; empty: not found out
  std::string why;     // what names it, or why it is not known
};
PyenvShim pyenv_shim(const std::string& path, const Surroundings& surroundings);

}  // namespace jitcorral::inspect
