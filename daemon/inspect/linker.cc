#include "inspect/linker.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "jitcorral/glob.h"

namespace jitcorral::inspect {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostModules = 1024;

std::vector<std::string> split(const std::string& text, const char* at) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Debian's folders, then those of others, each as its ld.so has them.
std::vector<std::string> default_folders(Isa isa, bool is_musl) {
  if (is_musl) return {"/lib", "/usr/local/lib", "/usr/lib"};
  const std::string triplet = isa == Isa::kAarch64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  return {"/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib"};
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

}  // namespace

Linker::Linker(const Surroundings& surroundings, const Elf& program)
    : surroundings_(surroundings),
      isa_(program.isa),
      is_musl_(glob_match("*/ld-musl-*", program.interpreter)),
      root_(isa_ == kOwnIsa ? "" : surroundings.variable("QEMU_LD_PREFIX")),
      default_folders_(default_folders(isa_, is_musl_)) {
  if (!is_musl_) cache_ = LibraryCache::read(root_ + surroundings.cache, isa_);
}

// Inside the root if it is there, else as it is: as qemu-user looks.
std::string Linker::real(const std::string& path) const {
  std::error_code ignored;
  return !root_.empty() && fs::exists(root_ + path, ignored) ? root_ + path : path;
}

std::vector<std::string> Linker::expand(const std::string& list, std::size_t loader) const {
  const std::string& path = modules_[loader].path;
  const std::size_t slash = path.rfind('/');
  const std::string origin = slash == std::string::npos ? "." : path.substr(0, slash);
  std::vector<std::string> folders;
  for (std::string folder : split(list, ":")) {
    if (folder.empty()) continue;
    for (const char* name : {"ORIGIN", "LIB", "PLATFORM"}) {
      const std::string with = std::strcmp(name, "ORIGIN") == 0 ? origin
                               : std::strcmp(name, "PLATFORM") == 0
                                   ? (isa_ == Isa::kAarch64 ? "aarch64" : "x86_64")
                               : isa_ == Isa::kAarch64 ? "lib/aarch64-linux-gnu"
                                                       : "lib/x86_64-linux-gnu";
      replace_all(folder, "${" + std::string(name) + "}", with);
      replace_all(folder, "$" + std::string(name), with);
    }
    folders.push_back(folder);
  }
  return folders;
}

std::vector<std::string> Linker::folders_for(std::size_t loader) const {
  std::vector<std::string> folders;
  const auto append = [&](const std::vector<std::string>& more) {
    folders.insert(folders.end(), more.begin(), more.end());
  };
  // RPATH counts for what is loaded on a library's behalf, too, and only where there is no RUNPATH.
  if (modules_[loader].elf.runpath.empty()) {
    std::size_t steps = 0;
    for (std::size_t at = loader; at != Module::kNobody && steps++ < kMostModules;
         at = modules_[at].parent)
      if (modules_[at].elf.runpath.empty()) append(expand(modules_[at].elf.rpath, at));
    if (loader != 0 && modules_[0].elf.runpath.empty()) append(expand(modules_[0].elf.rpath, 0));
  }
  for (const std::string& folder : split(surroundings_.variable("LD_LIBRARY_PATH"), ":;"))
    if (!surroundings_.variable("LD_LIBRARY_PATH").empty())
      folders.push_back(folder.empty() ? surroundings_.folder : folder);
  append(expand(modules_[loader].elf.runpath, loader));
  return folders;
}

std::string Linker::find(const std::string& name, std::size_t loader) const {
  const auto fits = [&](const std::string& path) {
    const auto file = File::open(path);
    if (!file) return false;
    try {
      return read_elf(*file).isa == isa_;
    } catch (const BadElf&) {
      return false;  // ld.so goes on looking past files of another machine; a damaged one stops it
    }
  };
  if (name.find('/') != std::string::npos) {
    const std::string path = expand(name, loader)[0];
    return fits(real(path)) ? real(path) : "";
  }
  for (const std::string& folder : folders_for(loader))
    if (const std::string path = real(folder + "/" + name); fits(path)) return path;
  if (!modules_[loader].elf.no_default_folders)
    if (const std::string path = cache_.find(name); !path.empty() && fits(real(path)))
      return real(path);
  for (const std::string& folder : default_folders_)
    if (const std::string path = real(folder + "/" + name); fits(path)) return path;
  return {};
}

std::size_t Linker::load(const std::string& path, std::size_t parent, Certainty certainty,
                         const std::string& why) {
  const auto file = File::open(path);
  if (!file) throw std::runtime_error(path + ": " + std::strerror(errno));
  Module module;
  module.path = path;
  module.name = std::string(basename_of(path));
  module.parent = parent;
  module.certainty = certainty;
  module.why = why;
  module.elf = read_elf(*file);
  module.facts = facts_of(*file, module.elf, module.name);
  const std::size_t index = modules_.size();
  by_name_.emplace(module.name, index);
  if (!module.elf.soname.empty()) by_name_.emplace(module.elf.soname, index);
  modules_.push_back(std::move(module));
  return index;
}

void Linker::load_needed(std::size_t first) {
  for (std::size_t i = first; i < modules_.size() && modules_.size() < kMostModules; ++i) {
    const std::vector<std::string> needed = modules_[i].elf.needed;
    for (const std::string& name : needed) {
      if (modules_.size() >= kMostModules) break;
      // musl holds all of libc's libraries itself.
      if (is_musl_ && is_libc(name)) continue;
      std::size_t found = Module::kNobody;
      const std::string why = "needed by " + modules_[i].name;
      if (const auto at = by_name_.find(name); at != by_name_.end()) {
        found = at->second;
      } else if (const std::string path = find(name, i); !path.empty()) {
        found = load(path, i, modules_[i].certainty, why);
        by_name_.emplace(name, found);
      }
      if (found == Module::kNobody) {
        if (std::none_of(missing_.begin(), missing_.end(),
                         [&](const Missing& m) { return m.name == name; }))
          missing_.push_back({name, modules_[i].path, why});
        continue;
      }
      modules_[i].needs.push_back(found);
    }
  }
}

std::size_t Linker::add(const std::string& path, Certainty certainty, const std::string& why) {
  std::error_code ignored;
  for (std::size_t i = 0; i < modules_.size(); ++i)
    if (fs::equivalent(modules_[i].path, path, ignored)) return i;
  const std::size_t index = load(path, modules_.empty() ? Module::kNobody : 0, certainty, why);
  load_needed(index);
  return index;
}

}  // namespace jitcorral::inspect
