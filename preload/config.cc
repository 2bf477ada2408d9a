// From the environment to the policy, once, at start. What is wrong is kept and said at the
// process's first steered call: never in every `ls` of a shell tree.
#include <cstring>

#include "jitcorral/policy_parse.h"
#include "process.h"

namespace jitcorral {
namespace {

template <std::size_t kSize>
void copy_text(char (&to)[kSize], std::string_view from) {
  const std::size_t n = from.size() < kSize - 1 ? from.size() : kSize - 1;
  std::memcpy(to, from.data(), n);
  to[n] = '\0';
}

void keep_problem(std::string_view name, std::string_view value, const VariableInfo* variable,
                  bool misspelt) {
  if (process.problem_count == Process::kMaxProblems) return;
  ConfigProblem& problem = process.problems[process.problem_count++];
  copy_text(problem.name, name);
  copy_text(problem.value, value);
  problem.variable = variable;
  problem.misspelt = misspelt;
}

void keep_runtime_socket(std::string_view folder) {
  constexpr std::string_view kName = "/jitcorral/socket";
  char* out = process.runtime_socket;
  if (folder.size() + kName.size() >= sizeof process.runtime_socket) return;
  std::memcpy(out, folder.data(), folder.size());
  std::memcpy(out + folder.size(), kName.data(), kName.size() + 1);
}

void keep_slurm_job(std::string_view id) {
  if (id.size() >= sizeof process.slurm_job) return;
  for (const char c : id) {
    const bool is_known = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') || c == '_' || c == '.' || c == '-';
    if (!is_known) return;
  }
  copy_text(process.slurm_job, id);
}

}  // namespace

void read_policy(const char* const* environment) {
  constexpr std::string_view kPrefix = "JITCORRAL_";
  constexpr std::string_view kRuntime = "XDG_RUNTIME_DIR=/";
  constexpr std::string_view kJob = "SLURM_JOB_ID=";
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const char* text = *environment;
    if (text[0] == 'X' && std::strncmp(text, kRuntime.data(), kRuntime.size()) == 0)
      keep_runtime_socket(behind(text, kRuntime.size() - 1));
    if (text[0] == 'S' && std::strncmp(text, kJob.data(), kJob.size()) == 0)
      keep_slurm_job(behind(text, kJob.size()));
    if (text[0] != 'J' || std::strncmp(text, kPrefix.data(), kPrefix.size()) != 0) continue;
    const std::string_view entry(text);
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = entry.substr(0, equals);
    const std::string_view value = behind(entry, equals + 1);
    const VariableInfo* variable = find_variable(name);
    if (variable == nullptr) {
      keep_problem(name, value, nearest_variable(name), true);
    } else if (!value.empty() && !parse_variable(settings, variable->id, value)) {
      keep_problem(name, value, variable, false);
    }
  }
}

}  // namespace jitcorral
