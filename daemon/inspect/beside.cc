#include "inspect/beside.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "inspect/python.h"
#include "jitcorral/glob.h"

namespace jitcorral::inspect {
namespace {

namespace fs = std::filesystem;

struct PlugIn {
  std::string_view program;  // glob on its name
  std::string_view folder;   // from its own
  std::string_view library;  // glob
  std::string_view why;
};
constexpr PlugIn kPlugIns[] = {
    {"postgres", "../lib", "llvmjit.so", "PostgreSQL opens it for queries above jit_above_cost"},
    {"postgres", "../lib/postgresql", "llvmjit.so",
     "PostgreSQL opens it for queries above jit_above_cost"},
    {"julia*", "../lib/julia", "libjulia-codegen.so*", "libjulia opens it at start"},
    {"julia*", "../lib/x86_64-linux-gnu/julia", "libjulia-codegen.so*",
     "libjulia opens it at start"},
    {"root*", "../lib", "libCling.so", "ROOT opens it at start"},
    {"java", "../lib/server", "libjvm.so", "the launcher opens it at start"},
};

constexpr std::string_view kInterpreters[] = {
    "perl*",  "ruby*",  "php*",  "lua*",    "node", "nodejs", "deno", "bun",   "java",   "R",
    "guile*", "tclsh*", "wish*", "octave*", "erl",  "beam*",  "sbcl", "mono*", "dotnet", "julia*"};

// The first file in a folder that a glob matches; links count as what they lead to.
std::string first_match(const fs::path& folder, std::string_view glob) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (glob_match(glob, at->path().filename().string())) found.push_back(at->path().string());
  return found.empty() ? std::string() : *std::min_element(found.begin(), found.end());
}

}  // namespace

Beside look_beside(const Program& program, const Elf& elf, const Surroundings& surroundings) {
  Beside beside;
  const std::string name = program.name(), real(basename_of(program.real));
  if (glob_match("python*", name) || glob_match("python*", real) || glob_match("pypy*", name)) {
    beside = look_beside_python(program, elf, surroundings);
    beside.is_interpreter = true;
    return beside;
  }
  const fs::path folder = fs::path(program.real).parent_path();
  for (const PlugIn& plug_in : kPlugIns) {
    if (!glob_match(plug_in.program, name)) continue;
    const std::string path =
        first_match((folder / plug_in.folder).lexically_normal(), plug_in.library);
    if (!path.empty())
      beside.libraries.push_back({path, Certainty::kBeside, std::string(plug_in.why)});
  }
  for (const std::string_view glob : kInterpreters)
    if (glob_match(glob, name)) beside.is_interpreter = true;
  return beside;
}

}  // namespace jitcorral::inspect
