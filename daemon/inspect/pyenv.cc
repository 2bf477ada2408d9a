#include "inspect/pyenv.h"

#include <unistd.h>

#include <filesystem>

#include "inspect/file.h"
#include "jitcorral/glob.h"

namespace jitcorral::inspect {
namespace {

// The first word of a text: a version file may name several, the first that has the program wins.
std::string first_word(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n:");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_first_of(" \t\r\n:", begin) - begin);
}

struct Choice {
  std::string version;
  std::string by;
};

// As pyenv's version-name: the variable, the nearest .python-version, the global file.
Choice choice_of(const std::string& root, const Surroundings& surroundings) {
  if (const std::string set = first_word(surroundings.variable("PYENV_VERSION")); !set.empty())
    return {set, "PYENV_VERSION"};
  for (std::filesystem::path folder = surroundings.folder;; folder = folder.parent_path()) {
    const std::string file = (folder / ".python-version").string();
    if (const std::string named = first_word(contents(file, 4096)); !named.empty())
      return {named, file};
    if (folder == folder.parent_path()) break;
  }
  const std::string file = root + "/version";
  return {first_word(contents(file, 4096)), file};
}

}  // namespace

PyenvShim pyenv_shim(const std::string& path, const Surroundings& surroundings) {
  const std::string text = contents(path, 4096);
  constexpr std::string_view kRoot = "PYENV_ROOT=\"";
  const std::size_t at = text.find(kRoot);
  if (at == std::string::npos || text.find("pyenv\" exec") == std::string::npos) return {};
  const std::size_t begin = at + kRoot.size();
  const std::string root = text.substr(begin, text.find('"', begin) - begin);
  const std::string name(basename_of(path));
  PyenvShim shim{true, "", "`pyenv which " + name + "` names the program that it starts"};
  const Choice choice = choice_of(root, surroundings);
  // A name must not lead out of the folder of versions.
  if (choice.version.empty() || choice.version.find('/') != std::string::npos) return shim;
  const std::string target = root + "/versions/" + choice.version + "/bin/" + name;
  if (access(target.c_str(), X_OK) != 0) return shim;
  return {true, target, choice.by};
}

}  // namespace jitcorral::inspect
