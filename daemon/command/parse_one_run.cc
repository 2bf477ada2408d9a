// show and explain: both are about one run.
#include <fmt/format.h>

#include "command/parse_options.h"
#include "jitcorral/policy_parse.h"

namespace jitcorral::command {
namespace {

Which which_of(const CLI::App& app, const std::string& word) {
  Which which;
  std::string_view digits = word;
  if (digits.starts_with("pid:")) {
    which.kind = Which::Kind::kPid;
    digits.remove_prefix(4);
  } else if (digits.starts_with("run:")) {
    which.kind = Which::Kind::kRun;
    digits.remove_prefix(4);
  }
  const auto n = parse_number(digits);
  if (!n || *n == 0 || *n > INT64_MAX)
    not_accepted(app, "PID|RUN", word, "a number, run:NUMBER or pid:NUMBER (jitcorral runs)");
  which.number = static_cast<std::int64_t>(*n);
  return which;
}

// The text of the help, or the options.
std::string parse_one(CLI::App& app, OneRunOptions& options, std::vector<std::string> arguments) {
  std::string word;
  app.add_option("--db", options.db, std::string(kDbHelp))->type_name("FILE");
  app.add_flag("--json", options.json, "for programs: every number exact");
  app.add_option("PID|RUN", word, "a living process, or a run of `jitcorral runs`; run:N, pid:N")
      ->type_name("");
  check_options(app, arguments, false);
  std::string help = parse_with(app, std::move(arguments));
  if (!help.empty()) return help;
  if (word.empty())
    throw UsageError(fmt::format(
        "{}: no run was named; accepted: a number, run:NUMBER or pid:NUMBER (jitcorral runs)",
        app.get_name()));
  options.which = which_of(app, word);
  return "";
}

}  // namespace

Asked parse_show(std::vector<std::string> arguments) {
  ShowOptions options;
  CLI::App app(
      "The report of one run. A number is the pid of a living process, else a run's, else a pid "
      "that\nwas; a pid means its newest run.",
      "show");
  dress(app, "jitcorral show [--db FILE] [--json] PID|RUN",
        "  jitcorral show 4711             the process with that pid\n"
        "  jitcorral show run:12           run 12, also if some process has pid 12\n"
        "  jitcorral show pid:12 --json    the newest run of pid 12\n");
  if (const std::string help = parse_one(app, options, std::move(arguments)); !help.empty())
    return HelpText{help};
  return options;
}

Asked parse_explain(std::vector<std::string> arguments) {
  ExplainOptions options;
  CLI::App app(
      "Whether placement can be what made a run crash or go wrong: which pair, which caller, how "
      "far,\nwhich relocations would not reach; or that it is ruled out, with the evidence.",
      "explain");
  dress(app, "jitcorral explain [--db FILE] [--json] PID|RUN",
        "  jitcorral explain 12                   run 12 crashed: was it where its code lay?\n"
        "  jitcorral explain pid:4711 --json | jq .answer\n"
        "  jitcorral explain 12 && echo look elsewhere\n"
        "\nExit status:\n"
        "  0  placement is ruled out\n"
        "  3  placement can be the cause\n"
        "  4  not known: something was not seen\n"
        "\nJSON:\n"
        "  answer (ruled-out, can-be, unknown), headline, because, verdict, run, pid, exe, exit, "
        "ended,\n"
        "  beyond[{engine,reach,limit,distance,excess,pairs,pairs_over,binds,why,relocations,\n"
        "  from{begin,end,kind,module,symbol},to,ticket}], evidence[], not_seen[], next[].\n");
  if (const std::string help = parse_one(app, options, std::move(arguments)); !help.empty())
    return HelpText{help};
  return options;
}

}  // namespace jitcorral::command
