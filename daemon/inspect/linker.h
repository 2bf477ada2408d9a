// Which libraries a program loads, found as the dynamic linker finds them (ld.so(8)), without
// running it.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/library_cache.h"
#include "inspect/module.h"
#include "inspect/surroundings.h"

namespace jitcorral::inspect {

// How sure it is that a module will be in the process.
enum class Certainty : std::uint8_t {
  kLinked,  // the dynamic linker loads it at start, or it is the executable
  kAsked,   // the program's text asks for it
  kBeside,  // it lies where the program would find it, if it looks
};

inline constexpr std::string_view kExecutable = "the executable";  // Module::why of it

struct Module {
  static constexpr std::size_t kNobody = SIZE_MAX;
  std::string path;
  std::string name;              // the last part of it
  std::size_t parent = kNobody;  // who needs it
  std::vector<std::size_t> needs;
  Certainty certainty = Certainty::kLinked;
  std::string why;  // "needed by libfoo.so", "numba is imported in x.py"
  Elf elf;
  Facts facts;
};

struct Missing {
  std::string name;
  std::string by;  // who needs it
  std::string why;
};

class Linker {
 public:
  Linker(const Surroundings& surroundings, const Elf& program);

  // Adds a module and all that it needs. Throws BadElf, or std::runtime_error if it can't be read.
  std::size_t add(const std::string& path, Certainty certainty, const std::string& why);

  const std::vector<Module>& modules() const { return modules_; }
  const std::vector<Missing>& missing() const { return missing_; }
  // The path of a library that `loader` asks for by name; empty: not found.
  std::string find(const std::string& name, std::size_t loader) const;

 private:
  std::size_t load(const std::string& path, std::size_t parent, Certainty certainty,
                   const std::string& why);
  void load_needed(std::size_t first);
  std::vector<std::string> folders_for(std::size_t loader) const;
  std::vector<std::string> expand(const std::string& list, std::size_t loader) const;
  std::string real(const std::string& path) const;

  const Surroundings& surroundings_;
  Isa isa_;
  bool is_musl_;
  std::string root_;  // where the files of a foreign ISA lie (QEMU_LD_PREFIX); empty: here
  LibraryCache cache_;
  std::vector<std::string> default_folders_;
  std::vector<Module> modules_;
  std::map<std::string, std::size_t> by_name_;
  std::vector<Missing> missing_;
};

}  // namespace jitcorral::inspect
