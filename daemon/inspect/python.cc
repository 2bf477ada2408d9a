#include "inspect/python.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "jitcorral/glob.h"

namespace jitcorral::inspect {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostText = 4 << 20;

// Packages that bring an engine, where in them it lies, and which imports load it.
struct Package {
  std::string_view folder;   // in site-packages
  std::string_view library;  // glob
  std::string_view imports;  // blank-separated; the first names the package
};
constexpr Package kPackages[] = {
    {"llvmlite/binding", "libllvmlite*.so", "llvmlite numba"},
    {"jaxlib", "xla_extension*.so", "jaxlib jax"},
    {"jaxlib", "libjax_common*.so", "jaxlib jax"},
    {"tvm", "libtvm.so", "tvm"},
    {"tvm_ffi/lib", "libtvm_ffi*.so", "tvm_ffi tvm"},
    {"mlir/_mlir_libs", "libMLIR*.so*", "mlir"},
    {"cppyy_backend/lib", "libCling*.so*", "cppyy_backend cppyy"},
    {"tensorflow", "libtensorflow_cc.so*", "tensorflow keras"},
    {"taichi/_lib/core", "taichi_python*.so", "taichi"},
    {"pyarrow", "libgandiva.so*", "pyarrow.gandiva"},
};

struct Invocation {
  std::string what;                  // "x.py", "-c", "-m numba"; empty: interactive
  std::string text;                  // what is interpreted, as far as it could be read
  std::vector<std::string> modules;  // -m
  std::string script_folder;
  bool ignores_environment = false, ignores_user = false;
};

std::string absolute(const std::string& path, const Surroundings& surroundings) {
  return fs::path(path).is_absolute() ? path : surroundings.folder + "/" + path;
}

Invocation invocation_of(const Program& program, const Surroundings& surroundings) {
  Invocation call;
  call.script_folder = surroundings.folder;
  const std::vector<std::string>& words = program.arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with("--")) {
      if (word == "--check-hash-based-pycs") ++i;
      continue;
    }
    if (word.size() < 2 || word[0] != '-') {
      call.what = word;
      if (word == "-") return call;  // standard input
      const std::string path = absolute(word, surroundings);
      std::error_code ignored;
      call.text =
          contents(fs::is_directory(path, ignored) ? path + "/__main__.py" : path, kMostText);
      call.script_folder = fs::path(path).parent_path().string();
      return call;
    }
    for (std::size_t c = 1; c < word.size(); ++c) {
      const char flag = word[c];
      call.ignores_environment |= flag == 'E' || flag == 'I';
      call.ignores_user |= flag == 's' || flag == 'I';
      if (flag != 'c' && flag != 'm' && flag != 'W' && flag != 'X') continue;
      std::string value = word.substr(c + 1);
      if (value.empty() && i + 1 < words.size()) value = words[++i];
      if (flag == 'W' || flag == 'X') break;
      call.what = flag == 'c' ? "-c" : "-m " + value;
      if (flag == 'c') {
        call.text = value;
        return call;
      }
      call.modules = {value.substr(0, value.find('.'))};
      std::string path = value;
      std::replace(path.begin(), path.end(), '.', '/');
      path = surroundings.folder + "/" + path;
      call.text = contents(path + ".py", kMostText) + contents(path + "/__main__.py", kMostText);
      return call;
    }
  }
  return call;
}

std::string version_of(const Program& program, const Elf& elf) {
  const auto behind_python = [](std::string_view name, std::string_view prefix) -> std::string {
    if (!name.starts_with(prefix)) return {};
    name.remove_prefix(prefix.size());
    const std::size_t end = name.find_first_not_of("0123456789.");
    name = name.substr(0, end);
    while (!name.empty() && name.back() == '.') name.remove_suffix(1);
    return name.find('.') == std::string_view::npos ? std::string() : std::string(name);
  };
  if (std::string v = behind_python(basename_of(program.real), "python"); !v.empty()) return v;
  for (const std::string& library : elf.needed)
    if (std::string v = behind_python(library, "libpython"); !v.empty()) return v;
  return {};
}

void add_prefix(std::vector<std::string>& folders, const fs::path& prefix,
                const std::string& version) {
  std::vector<std::string> names;
  if (!version.empty()) {
    names.push_back("python" + version);
  } else {
    std::error_code error;
    for (fs::directory_iterator at(prefix / "lib", error), end; !error && at != end;
         at.increment(error))
      if (glob_match("python*.*", at->path().filename().string()))
        names.push_back(at->path().filename().string());
  }
  for (const std::string& name : names)
    for (const char* lib : {"lib", "lib64"})
      for (const char* packages : {"site-packages", "dist-packages"})
        folders.push_back((prefix / lib / name / packages).string());
  // Debian's own: one for all versions.
  folders.push_back((prefix / "lib/python3/dist-packages").string());
}

// sys.path, as far as packages lie in it.
std::vector<std::string> package_folders(const Program& program, const Elf& elf,
                                         const Invocation& call, const Surroundings& surroundings) {
  std::vector<std::string> folders = {call.script_folder};
  const std::string version = version_of(program, elf);
  const std::string path = surroundings.variable("PYTHONPATH");
  for (std::size_t begin = 0; !call.ignores_environment && begin < path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    if (end > begin) folders.push_back(absolute(path.substr(begin, end - begin), surroundings));
    begin = end + 1;
  }
  const fs::path bin = fs::path(program.path).parent_path();
  std::string settings = contents((bin.parent_path() / "pyvenv.cfg").string(), 4096);
  const bool is_venv = !settings.empty();
  if (is_venv) {
    add_prefix(folders, bin.parent_path(), version);
    std::erase_if(settings, [](char c) { return c == ' '; });
    if (settings.find("include-system-site-packages=true") == std::string::npos) return folders;
  }
  const std::string home = surroundings.variable("HOME");
  if (!home.empty() && !call.ignores_user && surroundings.variable("PYTHONNOUSERSITE").empty())
    add_prefix(folders, home + "/.local", version);
  const fs::path prefix = fs::path(program.real).parent_path().parent_path();
  if (prefix == "/usr") add_prefix(folders, "/usr/local", version);
  add_prefix(folders, prefix, version);
  return folders;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, blank));
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return words;
}

std::string match_in(const std::string& folder, std::string_view glob) {
  std::error_code error;
  std::string best;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (glob_match(glob, name) && (best.empty() || name < best)) best = name;
  }
  return best.empty() ? best : folder + "/" + best;
}

}  // namespace

std::vector<std::string> python_imports(const std::string& text) {
  std::vector<std::string> names;
  std::string statement;
  const auto take = [&] {
    const std::size_t first = statement.find_first_not_of(" \t");
    const std::string s = first == std::string::npos ? "" : statement.substr(first);
    statement.clear();
    const bool is_from = s.starts_with("from ");
    if (!is_from && !s.starts_with("import ")) return;
    std::string list = s.substr(is_from ? 5 : 7);
    if (is_from) list = list.substr(0, list.find(' '));
    for (std::size_t begin = 0; begin < list.size();) {
      const std::size_t end = std::min(list.find(',', begin), list.size());
      std::string name = list.substr(begin, end - begin);
      name.erase(0, name.find_first_not_of(" \t"));
      name = name.substr(0, name.find_first_of(" \t.#"));
      if (!name.empty()) names.push_back(name);
      begin = end + 1;
    }
  };
  for (const char c : text) {
    if (c == '\n' || c == ';' || c == '\r')
      take();
    else
      statement += c;
  }
  take();
  return names;
}

Beside look_beside_python(const Program& program, const Elf& elf,
                          const Surroundings& surroundings) {
  Beside beside;
  const Invocation call = invocation_of(program, surroundings);
  std::vector<std::string> imports = python_imports(call.text);
  imports.insert(imports.end(), call.modules.begin(), call.modules.end());
  const std::vector<std::string> folders = package_folders(program, elf, call, surroundings);
  for (const Package& package : kPackages) {
    std::string path;
    for (const std::string& folder : folders)
      if (path.empty())
        path = match_in(folder + "/" + std::string(package.folder), package.library);
    const std::vector<std::string> names = words_of(package.imports);
    const auto asked = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
      return std::find(imports.begin(), imports.end(), name) != imports.end();
    });
    if (path.empty()) {
      if (asked != names.end())
        beside.not_found.push_back(
            call.what + " imports " + *asked + ", but no " + names[0] +
            " was found for this Python (.pth files and changes of sys.path at run time are not "
            "followed)");
      continue;
    }
    if (asked != names.end())
      beside.libraries.push_back({path, Certainty::kAsked,
                                  call.what + " imports " + *asked +
                                      (*asked == names[0] ? "" : ", which loads " + names[0])});
    else
      beside.libraries.push_back(
          {path, Certainty::kBeside, names[0] + " is installed for this Python"});
  }
  beside.limits.push_back(
      call.what.empty() || call.what == "-"
          ? "what Python is given to run: name a script, -c or -m to have its imports looked at"
          : "what the modules import that " + call.what +
                " imports: Python decides while it runs; only its own text was read");
  return beside;
}

}  // namespace jitcorral::inspect
