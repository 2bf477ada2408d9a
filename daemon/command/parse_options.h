// The options of the subcommands that have some, on CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "command/parse.h"

namespace jitcorral::command {

// `name`: "run", "report", "runs", "doctor"; arguments as they follow it.
Asked parse_run(std::vector<std::string> arguments);
Asked parse_report(std::vector<std::string> arguments);
Asked parse_runs(std::vector<std::string> arguments);
Asked parse_doctor(std::vector<std::string> arguments);
Asked parse_export(std::vector<std::string> arguments);
Asked parse_ps(std::vector<std::string> arguments);
Asked parse_audit(std::vector<std::string> arguments);
Asked parse_show(std::vector<std::string> arguments);
Asked parse_explain(std::vector<std::string> arguments);

Asked parse_compare(std::vector<std::string> arguments);
Asked parse_selftest(std::vector<std::string> arguments);

// Usage line, help option and examples.
void dress(CLI::App& app, const std::string& usage, const std::string& examples);
// Throws UsageError unless `text` is a number from `least` to `most`.
std::uint64_t number(const CLI::App& app, std::string_view option, const std::string& text,
                     std::uint64_t least, std::uint64_t most);

// What CLI11 leaves to be desired, in parse.cc.
//
// Checks the options among `arguments` against those that `app` has, up to "--" or, if `stop`, to
// the first word that is no option; returns where that is. Throws UsageError.
std::size_t check_options(const CLI::App& app, const std::vector<std::string>& arguments,
                          bool stop_at_word);
// Cuts the command off `arguments`: what follows "--", or begins with the first word that is no
// option of `app`. Throws UsageError as check_options does.
std::vector<std::string> take_command(const CLI::App& app, std::vector<std::string>& arguments);
// Parses; the text of the help if that was asked for, else empty.
std::string parse_with(CLI::App& app, std::vector<std::string> arguments);

inline constexpr std::string_view kDbHelp =
    "the database (${XDG_STATE_HOME:-~/.local/state}/jitcorral/placements.db)";
// The help's usage line and examples, and what all subcommands share.
void dress(CLI::App& app, const std::string& usage, const std::string& examples);
// A whole number of that range, or UsageError.
std::uint64_t number(const CLI::App& app, std::string_view option, const std::string& text,
                     std::uint64_t least, std::uint64_t most);

[[noreturn]] void not_accepted(const CLI::App& app, std::string_view option, std::string_view value,
                               std::string_view accepted);

}  // namespace jitcorral::command
