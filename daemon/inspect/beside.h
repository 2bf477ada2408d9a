// Engines that a program opens while it runs (dlopen), found where it would look for them: packages
// of the Python that is started, plug-ins that are known by name.
#pragma once

#include <string>
#include <vector>

#include "inspect/linker.h"
#include "inspect/program.h"

namespace jitcorral::inspect {

struct Candidate {
  std::string path;
  Certainty certainty;
  std::string why;
};

struct Beside {
  std::vector<Candidate> libraries;
  bool is_interpreter = false;         // what it loads is up to what it interprets
  std::vector<std::string> not_found;  // what is asked for and lies nowhere that was looked
  std::vector<std::string> limits;     // what this can't know
};

Beside look_beside(const Program& program, const Elf& elf, const Surroundings& surroundings);

// Names of the modules that a Python text imports, without what is behind a dot.
std::vector<std::string> python_imports(const std::string& text);

}  // namespace jitcorral::inspect
