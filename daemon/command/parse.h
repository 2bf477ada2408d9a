// From the arguments to what was asked. Pure but for the texts it makes: nothing is run or read.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "command/commands.h"

namespace jitcorral::command {

// Bad usage: one line that names the thing, the value seen and what is accepted.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct HelpTopic {
  std::string topic;
};
struct HelpText {  // of one subcommand
  std::string text;
};
struct Version {};
using Asked = std::variant<RunOptions, ReportOptions, RunsOptions, ShowOptions, ExplainOptions,
                           PsOptions, ExportOptions, DoctorOptions, CompareOptions, SelftestOptions,
                           AuditOptions, HelpTopic, HelpText, Version>;

// `arguments`: without the command's own name. Throws UsageError.
Asked parse(const std::vector<std::string>& arguments);

// `jitcorral --version`: this command's, and that of the shim beside it.
int version();
// The nearest of `names` to a misspelt word; empty when none is near.
std::string nearest(std::string_view word, std::span<const std::string_view> names);

}  // namespace jitcorral::command
