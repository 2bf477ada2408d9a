#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string_view>

#include "command/commands.h"
#include "command/output.h"
#include "command/outputs.h"
#include "command/selftest_programs.h"
#include "command/trial.h"
#include "show/safe.h"
#include "show/show.h"

namespace jitcorral::command {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kTimeout{120};
constexpr unsigned kRuns = 2;    // of each kind
constexpr int kProgramEnds = 5;  // that programs end with, to see that it comes through

enum class Result { kSame, kDiffers, kSkipped };
constexpr std::string_view kResultNames[] = {"same", "DIFFERENT", "skipped"};

struct Tried {
  std::string name, executable, version;
  Result result = Result::kSkipped;
  std::string why;  // it was skipped
  std::vector<std::string> differences, not_compared, own_lines;
  bool saw_shim = false;
  double bare = 0, with = 0;  // seconds, the shorter of both runs
};

// A folder for the programs, gone with us.
class Folder {
 public:
  Folder() : path_((fs::temp_directory_path() / "jitcorral-selftest-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error(path_ + ": can't be made");
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::string last_line(std::string text) {
  text.erase(text.find_last_not_of(" \n") + 1);
  return text.substr(text.find_last_of('\n') + 1);
}

std::vector<std::string> command_for(const SelftestProgram& program, const std::string& executable,
                                     const std::string& folder) {
  // Java wants the file named after its class.
  const std::string path =
      folder + (program.suffix == ".java" ? "/Selftest" : "/program") + std::string(program.suffix);
  std::ofstream file(path);
  file << program.text;
  file.close();
  if (!file) throw std::runtime_error(path + ": can't be written");
  std::vector<std::string> command;
  for (const std::string& word : words_of(program.arguments))
    command.push_back(word == "%x" ? executable : word == "%f" ? path : word);
  return command;
}

// Bare and with the shim by turns; `told_to_end` if we were.
Tried try_out(const SelftestProgram& program, const std::string& shim, const std::string& folder,
              std::optional<int>& told_to_end) {
  Tried tried;
  tried.name = program.name;
  for (const std::string& name : words_of(program.executables))
    if (tried.executable.empty()) tried.executable = find_command(name);
  if (tried.executable.empty()) {
    tried.why = "not in PATH";
    return tried;
  }
  const std::vector<std::string> command = command_for(program, tried.executable, folder);
  Before before;
  std::vector<Trial> with;
  for (unsigned turn = 0; turn < kRuns; ++turn) {
    for (const bool is_bare : {true, false}) {
      Trial trial = run_trial({command, is_bare ? "" : shim, kTimeout});
      told_to_end = trial.ended.told_to_end;
      if (told_to_end) return tried;
      if (is_bare && (trial.ended.status != kProgramEnds || trial.timed_out)) {
        tried.why = fmt::format("does not run here bare: {}: {}", ending_of(trial),
                                last_line(trial.errors.text));
        return tried;
      }
      double& best = is_bare ? tried.bare : tried.with;
      best = turn == 0 ? trial.wall : std::min(best, trial.wall);
      if (is_bare) before.add(trial);
      if (is_bare) tried.version = first_line(trial.output.text);
      if (!is_bare) with.push_back(std::move(trial));
    }
  }
  for (const Trial& trial : with) {
    tried.saw_shim |= trial.saw_shim;
    for (std::string& what : before.differences(trial))
      if (std::find(tried.differences.begin(), tried.differences.end(), what) ==
          tried.differences.end())
        tried.differences.push_back(std::move(what));
    for (const std::string& line : trial.own_lines) tried.own_lines.push_back(line);
  }
  tried.not_compared = before.not_compared();
  tried.result = tried.differences.empty() ? Result::kSame : Result::kDiffers;
  return tried;
}

std::size_t count(std::span<const Tried> all, Result result) {
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const Tried& tried) { return tried.result == result; }));
}

std::string advice(std::span<const Tried> all) {
  const std::size_t different = count(all, Result::kDiffers), same = count(all, Result::kSame);
  if (different != 0)
    return fmt::format("do not roll out: {} of {} interpreters differ; please report it", different,
                       same + different);
  if (same == 0) return "nothing was shown: no interpreter could be tried";
  return fmt::format("no difference in {} interpreters: nothing speaks against rolling out here",
                     same);
}

std::string text(std::span<const Tried> all, bool colour) {
  constexpr std::string_view kColours[] = {"\033[32m", "\033[1;31m", "\033[2m"};
  std::string out =
      fmt::format("  {:<9} {:<10} {:>8} {:>9}  {}\n", "", "result", "bare", "jitcorral", "");
  for (const Tried& tried : all) {
    const auto which = static_cast<std::size_t>(tried.result);
    const std::string word = fmt::format("{:<10}", kResultNames[which]);
    out += fmt::format("  {:<9} {} ", tried.name,
                       colour ? fmt::format("{}{}\033[0m", kColours[which], word) : word);
    if (tried.result == Result::kSkipped) {
      out += fmt::format("{:>8} {:>9}  {}\n", "-", "-", show::printable(tried.why));
      continue;
    }
    out += fmt::format("{:>6.2f} s {:>7.2f} s  {}, {}\n", tried.bare, tried.with,
                       show::printable(tried.version), tried.executable);
    for (const std::string& what : tried.differences)
      out += "            " + show::printable(what) + "\n";
    for (const std::string& what : tried.not_compared) out += "            " + what + "\n";
    for (const std::string& line : tried.own_lines)
      out += "            said: " + show::printable(line) + "\n";
    if (!tried.saw_shim)
      out += "            the library was never seen in it: it ran too short, or can't load it\n";
  }
  return out + advice(all) + "\n";
}

show::Json json(std::span<const Tried> all) {
  const auto texts = [](const std::vector<std::string>& lines) {
    show::Json array = show::Json::array();
    for (const std::string& line : lines) array.push_back(show::utf8(line));
    return array;
  };
  constexpr std::string_view kNames[] = {"same", "different", "skipped"};
  show::Json out;
  out["advice"] = count(all, Result::kDiffers) != 0 ? "against"
                  : count(all, Result::kSame) != 0  ? "for"
                                                    : "none";
  out["because"] = advice(all);
  for (const Tried& tried : all) {
    show::Json one{{"name", tried.name},
                   {"result", kNames[static_cast<std::size_t>(tried.result)]}};
    if (tried.result == Result::kSkipped) {
      one["why"] = show::utf8(tried.why);
    } else {
      one["executable"] = show::utf8(tried.executable);
      one["version"] = show::utf8(tried.version);
      one["bare_seconds"] = tried.bare;
      one["jitcorral_seconds"] = tried.with;
      one["shim_seen"] = tried.saw_shim;
      one["differences"] = texts(tried.differences);
      one["not_compared"] = texts(tried.not_compared);
      one["said"] = texts(tried.own_lines);
    }
    out["interpreters"].push_back(std::move(one));
  }
  return out;
}

}  // namespace

int selftest(const SelftestOptions& options) try {
  const std::string shim = shim_for_trials(options.shim);
  if (shim.empty()) return kFailed;
  const bool shows_progress = isatty(STDERR_FILENO) != 0;
  const Folder folder;
  std::vector<Tried> all;
  for (const SelftestProgram& program : selftest_programs()) {
    if (!options.only.empty() &&
        std::find(options.only.begin(), options.only.end(), program.name) == options.only.end())
      continue;
    if (shows_progress) write_all(STDERR_FILENO, fmt::format("\r\033[K{} ", program.name));
    std::optional<int> told_to_end;
    all.push_back(try_out(program, shim, folder.path(), told_to_end));
    if (told_to_end) return 128 + *told_to_end;
  }
  if (shows_progress) write_all(STDERR_FILENO, "\r\033[K");
  const std::string said =
      options.json ? show::dump(json(all)) : text(all, text_options(STDOUT_FILENO).colour);
  if (const int failed = print(said)) return failed;
  if (count(all, Result::kDiffers) != 0) return kDiffers;
  return count(all, Result::kSame) != 0 ? 0 : kUnknown;
} catch (const std::exception& error) {
  return fail(error.what());
}

}  // namespace jitcorral::command
