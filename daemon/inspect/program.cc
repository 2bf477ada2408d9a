#include "inspect/program.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "inspect/elf_file.h"
#include "inspect/pyenv.h"
#include "jitcorral/glob.h"

namespace jitcorral::inspect {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::size_t kFirstLine = 256;  // BINPRM_BUF_SIZE: what the kernel reads of a script
constexpr int kMostSteps = 12;

constexpr std::string_view kShells[] = {"sh",   "bash", "dash", "ash", "ksh",
                                        "mksh", "zsh",  "fish", "csh", "tcsh"};
constexpr std::string_view kStarters[] = {
    "nice",   "nohup",  "timeout",  "time",    "stdbuf",   "setsid",      "taskset",   "numactl",
    "chrt",   "ionice", "xargs",    "setarch", "linux32",  "linux64",     "unshare",   "nsenter",
    "strace", "ltrace", "gdb",      "perf",    "sudo",     "su",          "doas",      "runuser",
    "flock",  "script", "fakeroot", "chroot",  "setpriv",  "prlimit",     "catchsegv", "tini",
    "gosu",   "make",   "ninja",    "ctest",   "parallel", "systemd-run", "pg_ctl",    "docker",
    "podman", "cargo",  "npm",      "npx",     "mpirun",   "torchrun",    "uv",        "poetry"};

template <std::size_t kSize>
bool is_one_of(const std::string_view (&names)[kSize], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string absolute(const std::string& path, const Surroundings& surroundings) {
  return !path.empty() && path[0] == '/' ? path : surroundings.folder + "/" + path;
}

Words words_of(const std::string& text) {
  Words words;
  for (std::size_t at = text.find_first_not_of(" \t"); at != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(" \t", end);
  }
  return words;
}

// What env would start: behind its options and its settings. Empty: nothing, it prints.
Words behind_env(Words words, Program& program) {
  std::size_t i = 1;
  for (; i < words.size(); ++i) {
    const std::string word = words[i];
    if (word == "--") continue;
    if (word == "-" || word == "-i" || word == "--ignore-environment") {
      program.loses_preload = true;
    } else if (word.starts_with("-S") || word.starts_with("-vS") || word == "--split-string") {
      std::string text = word.starts_with("-S") ? word.substr(2) : "";
      if (text.empty() && i + 1 < words.size()) text = words[++i];
      const Words more = words_of(text);
      words.insert(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, more.begin(), more.end());
    } else if (word == "-u" || word == "-C" || word == "--unset" || word == "--chdir") {
      if (word[1] != 'C' && i + 1 < words.size() && words[i + 1] == "LD_PRELOAD")
        program.loses_preload = true;
      ++i;
    } else if (word.starts_with("LD_PRELOAD=") || word == "-uLD_PRELOAD" ||
               word == "--unset=LD_PRELOAD") {
      program.loses_preload = true;
    } else if (!word.starts_with("-") && word.find('=') == std::string::npos) {
      break;
    }
  }
  return {words.begin() + static_cast<std::ptrdiff_t>(std::min(i, words.size())), words.end()};
}

// What the dynamic linker would start when it is called by name.
Words behind_linker(const Words& words) {
  std::size_t i = 1;
  for (; i < words.size() && words[i].starts_with("--"); ++i)
    if (words[i] != "--list" && words[i] != "--verify" && words[i] != "--inhibit-cache") ++i;
  return {words.begin() + static_cast<std::ptrdiff_t>(std::min(i, words.size())), words.end()};
}

class Search {
 public:
  explicit Search(const Surroundings& surroundings) : surroundings_(surroundings) {}

  Program find(Words words) {
    for (int step = 0; step < kMostSteps; ++step)
      if (!advance(words)) return program_;
    throw CannotStart(kCannotRun, words[0] + ": a script for a script for a script, without end");
  }

 private:
  // One step nearer to the executable; false: this is it.
  bool advance(Words& words) {
    const std::string path = find_in_path(words[0], surroundings_);
    if (path.empty()) throw CannotStart(kNotFound, words[0] + ": not found in PATH");
    const std::string full = absolute(path, surroundings_);
    const auto file = File::open(full);
    if (!file) {
      const bool is_missing = errno == ENOENT || errno == ENOTDIR;
      throw CannotStart(is_missing ? kNotFound : kCannotRun,
                        path + ": " +
                            (errno == EISDIR   ? "a folder, not a program"
                             : errno == EINVAL ? "not a regular file"
                                               : std::strerror(errno)));
    }
    if (access(full.c_str(), X_OK) != 0)
      throw CannotStart(kCannotRun, path + ": not executable (chmod +x)");
    const std::string head = file->bytes(0, kFirstLine);
    if (head.starts_with("#!")) return follow_script(words, path, head);
    if (!begins_as_elf(*file)) return follow_text(words, path, head);
    std::error_code ignored;
    program_.path = full;
    program_.real = fs::canonical(full, ignored).string();
    program_.arguments.assign(words.begin() + 1, words.end());
    const std::string name = program_.name();
    Words next;
    if (name == "env" || basename_of(program_.real) == "env")
      next = behind_env(words, program_);
    else if (glob_match("ld-linux*", name) || glob_match("ld-musl*", name) || name == "ld.so")
      next = behind_linker(words);
    if (!next.empty()) {
      program_.steps.push_back(path + " starts " + next[0]);
      words = next;
      return true;
    }
    program_.is_shell = is_one_of(kShells, name);
    program_.starts_others = is_one_of(kStarters, name);
    return false;
  }

  // As fs/binfmt_script.c: one interpreter, one argument.
  bool follow_script(Words& words, const std::string& path, const std::string& head) {
    const std::string line = head.substr(
        2, head.find('\n') == std::string::npos ? std::string::npos : head.find('\n') - 2);
    const Words parts = words_of(line);
    if (parts.empty())
      throw CannotStart(kCannotRun, path + ": its first line, #!, names no interpreter");
    if (const PyenvShim shim = pyenv_shim(path, surroundings_); shim.is_one) {
      if (!shim.target.empty()) {
        program_.steps.push_back(path + " is a pyenv shim, a bash script; " + shim.why + " names " +
                                 shim.target);
        words[0] = shim.target;
        return true;
      }
      program_.steps.push_back(path + " is a pyenv shim, a bash script; " + shim.why);
    } else {
      program_.steps.push_back(path + " is a script for " + parts[0]);
    }
    std::string option = line.substr(line.find(parts[0]) + parts[0].size());
    option.erase(0, option.find_first_not_of(" \t"));
    option.erase(option.find_last_not_of(" \t\r") + 1);
    Words next = {parts[0]};
    if (!option.empty()) next.push_back(option);
    next.push_back(path);
    next.insert(next.end(), words.begin() + 1, words.end());
    program_.script = absolute(path, surroundings_);
    words = next;
    return true;
  }

  // execvp and shells give what the kernel does not know to sh.
  bool follow_text(Words& words, const std::string& path, const std::string& head) {
    if (head.empty() || head.find('\0') != std::string::npos)
      throw CannotStart(kCannotRun,
                        path + (head.empty() ? ": empty" : ": neither an ELF file nor a script"));
    program_.steps.push_back(path + " has no #! line: a script for /bin/sh");
    program_.script = absolute(path, surroundings_);
    words.insert(words.begin(), "/bin/sh");
    words[1] = path;
    return true;
  }

  const Surroundings& surroundings_;
  Program program_;
};

}  // namespace

std::string Program::name() const {
  return std::string(basename_of(path));
}

std::string find_in_path(const std::string& name, const Surroundings& surroundings) {
  if (name.find('/') != std::string::npos) return name;
  const auto set = surroundings.environment.find("PATH");
  const std::string folders = set == surroundings.environment.end() ? "/bin:/usr/bin" : set->second;
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string folder = folders.substr(begin, end - begin);
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    const std::string full = absolute(candidate, surroundings);
    std::error_code ignored;
    if (access(full.c_str(), X_OK) == 0 && !fs::is_directory(full, ignored)) return candidate;
    begin = end + 1;
  }
  return {};
}

Program find_program(const std::vector<std::string>& command, const Surroundings& surroundings) {
  return Search(surroundings).find(command);
}

}  // namespace jitcorral::inspect
