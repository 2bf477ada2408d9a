#include "command/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "command/parse_options.h"

namespace jitcorral::command {
namespace {

constexpr std::string_view kSubcommands[] = {"run",     "report",   "runs",   "ps",
                                             "show",    "explain",  "export", "doctor",
                                             "compare", "selftest", "audit",  "help"};
// The same as lines say them.
constexpr std::string_view kAccepted =
    "run, report, runs, ps, show, explain, audit, export, doctor, compare, selftest, help";

// Insertions, deletions, changes and swaps of neighbours that make `a` of `b`.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    before = std::exchange(above, std::exchange(row, before));
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({above[j] + (a[i] == b[j] ? 0U : 1U), row[j] + 1, above[j + 1] + 1});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
        row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
  }
  return row.back();
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> names) {
  const std::string name = nearest(word, names);
  return name.empty() ? "" : fmt::format("; did you mean {}?", name);
}

Asked parse_help(const std::vector<std::string>& arguments) {
  constexpr std::string_view kTopics[] = {"env",     "verdicts", "run",     "report", "runs",
                                          "ps",      "show",     "explain", "export", "doctor",
                                          "compare", "selftest", "audit"};
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") return HelpTopic{};
  const std::string& topic = arguments[0];
  if (arguments.size() > 1)
    throw UsageError(fmt::format("help takes one topic, and '{}' is one too many", arguments[1]));
  if (topic == "env" || topic == "verdicts") return HelpTopic{topic};
  if (topic == "help") return HelpTopic{};
  if (std::find(std::begin(kTopics), std::end(kTopics), topic) != std::end(kTopics))
    return parse({topic, "--help"});
  throw UsageError(fmt::format("help: no topic '{}'; there are {}{}", topic,
                               fmt::join(kTopics, ", "), did_you_mean(topic, kTopics)));
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string_view> names) {
  if (word.size() > 32) return "";
  std::string best;
  // A third of the word may be wrong, and one letter of a short one.
  std::size_t most = std::max<std::size_t>(word.size() / 3, 1);
  for (const std::string_view name : names) {
    const std::size_t n = edits(word, name);
    if (n > most || (n == most && !best.empty())) continue;
    most = n;
    best = name;
  }
  return best;
}

Asked parse(const std::vector<std::string>& arguments) {
  if (arguments.empty())
    throw UsageError(fmt::format(
        "nothing to do; accepted: {}. To begin: jitcorral run -- CMD; examples: jitcorral help",
        kAccepted));
  const std::string& word = arguments[0];
  std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (word == "run") return parse_run(std::move(rest));
  if (word == "report") return parse_report(std::move(rest));
  if (word == "runs") return parse_runs(std::move(rest));
  if (word == "ps") return parse_ps(std::move(rest));
  if (word == "show") return parse_show(std::move(rest));
  if (word == "explain") return parse_explain(std::move(rest));
  if (word == "export") return parse_export(std::move(rest));
  if (word == "doctor") return parse_doctor(std::move(rest));
  if (word == "compare") return parse_compare(std::move(rest));
  if (word == "selftest") return parse_selftest(std::move(rest));
  if (word == "audit") return parse_audit(std::move(rest));
  if (word == "help") return parse_help(rest);
  if (word == "--help" || word == "-h") return HelpTopic{};
  if (word == "--version" || word == "-V") return Version{};
  if (word.starts_with("-")) {
    constexpr std::string_view kOptions[] = {"--help", "--version"};
    throw UsageError(
        fmt::format("no option '{}' before a subcommand; accepted: --help, --version, then one of "
                    "{}{}",
                    word, kAccepted, did_you_mean(word, kOptions)));
  }
  std::string hint = did_you_mean(word, kSubcommands);
  if (hint.empty()) hint = fmt::format("; to run that program: jitcorral run -- {}", word);
  throw UsageError(fmt::format("no subcommand '{}'; accepted: {}{}", word, kAccepted, hint));
}

std::size_t check_options(const CLI::App& app, const std::vector<std::string>& arguments,
                          bool stop_at_word) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") return i;
    if (argument.size() < 2 || argument[0] != '-') {
      if (stop_at_word) return i;
      continue;
    }
    const bool is_long = argument[1] == '-';
    const std::size_t equals = is_long ? argument.find('=') : std::string::npos;
    const std::string name = is_long ? argument.substr(0, equals) : argument.substr(0, 2);
    const CLI::Option* const option = app.get_option_no_throw(name);
    if (option == nullptr || option->get_positional()) {
      std::vector<std::string> known;
      for (const CLI::Option* one : app.get_options())
        for (const std::string& spelling : one->get_lnames()) known.push_back("--" + spelling);
      const std::vector<std::string_view> views(known.begin(), known.end());
      throw UsageError(fmt::format("{}: no option '{}'; accepted: {}{}", app.get_name(), name,
                                   fmt::join(known, ", "), did_you_mean(name, views)));
    }
    const bool wants_value = option->get_items_expected_max() > 0;
    if (!wants_value && equals != std::string::npos)
      throw UsageError(fmt::format("{}: {} takes no value, but was given '{}'", app.get_name(),
                                   name, argument.substr(equals + 1)));
    if (!wants_value || equals != std::string::npos || (!is_long && argument.size() > 2)) continue;
    if (++i == arguments.size())
      throw UsageError(
          fmt::format("{}: {} wants a value: {}", app.get_name(), name, option->get_type_name()));
  }
  return arguments.size();
}

std::vector<std::string> take_command(const CLI::App& app, std::vector<std::string>& arguments) {
  const std::size_t end = check_options(app, arguments, true);
  const std::size_t begin = end < arguments.size() && arguments[end] == "--" ? end + 1 : end;
  using Offset = std::vector<std::string>::difference_type;
  std::vector<std::string> command(arguments.begin() + static_cast<Offset>(begin), arguments.end());
  arguments.resize(end);
  return command;
}

std::string parse_with(CLI::App& app, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    std::string text = app.help();
    text.erase(text.find_last_not_of('\n') + 1);
    return text + '\n';
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> extra = app.remaining();
    throw UsageError(
        fmt::format("{}: '{}' is one argument too many; accepted: see jitcorral {} --help",
                    app.get_name(), extra.empty() ? "" : extra[0], app.get_name()));
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}: {}", app.get_name(), error.what()));
  }
  return "";
}

void not_accepted(const CLI::App& app, std::string_view option, std::string_view value,
                  std::string_view accepted) {
  throw UsageError(fmt::format("{}: {}: '{}' is not accepted; accepted: {}", app.get_name(), option,
                               value, accepted));
}

}  // namespace jitcorral::command
