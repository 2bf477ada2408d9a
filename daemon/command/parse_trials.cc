// The options of `selftest` and `compare`.
#include <fmt/format.h>

#include "command/parse_options.h"
#include "command/selftest_programs.h"

namespace jitcorral::command {

Asked parse_selftest(std::vector<std::string> arguments) {
  SelftestOptions options;
  CLI::App app(
      "Runs this machine's own interpreters, those that are in PATH, twice bare and twice with the "
      "library,\nand says whether anything differs: status, standard output, standard error. What "
      "differs between\nbare runs is not compared.",
      "selftest");
  std::vector<std::string_view> names;
  for (const SelftestProgram& program : selftest_programs()) names.push_back(program.name);
  dress(app, "jitcorral selftest [--json] [--only NAME]... [--shim FILE]",
        "  jitcorral selftest                    may it be rolled out here?\n"
        "  jitcorral selftest --only java --only node\n"
        "  jitcorral selftest --json | jq '.interpreters[] | select(.result == \"different\")'\n"
        "\nExit status:\n"
        "  0  nothing differs\n"
        "  3  something differs: do not roll out\n"
        "  4  no interpreter could be tried\n" +
            fmt::format("\nInterpreters: {}\n", fmt::join(names, ", ")));
  app.add_flag("--json", options.json, "for programs");
  app.add_option("--only", options.only, "this interpreter alone; may be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--shim", options.shim, "the library; else the one beside this command")
      ->type_name("FILE");
  check_options(app, arguments, false);
  const std::string help = parse_with(app, std::move(arguments));
  if (!help.empty()) return HelpText{help};
  for (const std::string& name : options.only)
    if (std::find(names.begin(), names.end(), name) == names.end())
      not_accepted(app, "--only", name, fmt::format("{}", fmt::join(names, ", ")));
  return options;
}

Asked parse_compare(std::vector<std::string> arguments) {
  CompareOptions options;
  CLI::App app(
      "Runs CMD bare and with the library by turns, and says whether status or output differ, and "
      "what\ntime and memory it costs. Output is caught, not shown; input is empty. What differs "
      "between bare\nruns is not compared.",
      "compare");
  dress(app, "jitcorral compare [-n N] [--json] [--shim FILE] [--] CMD [ARGUMENTS...]",
        "  jitcorral compare -- python3 prog.py           ten runs of each\n"
        "  jitcorral compare -n 50 -- ./bench             narrower bounds\n"
        "  jitcorral compare --json -- ./bench | jq .figures.wall_seconds.ratio\n"
        "\nA ratio is the median of N neighbouring pairs; it is beyond noise if 1 lies outside the "
        "bounds\nwithin which it is with 95 % confidence (by order statistics; N of at least 6).\n"
        "\nExit status, whatever the figures:\n"
        "  0    status and output are the same\n"
        "  3    a status or an output differs\n"
        "  126  CMD can't be run; 127: it was not found\n");
  std::string runs;
  app.add_option("-n,--number", runs, "runs of each kind, 10 unless told")->type_name("N");
  app.add_flag("--json", options.json, "for programs");
  app.add_option("--shim", options.shim, "the library; else the one beside this command")
      ->type_name("FILE");
  options.command = take_command(app, arguments);
  const std::string help = parse_with(app, std::move(arguments));
  if (!help.empty()) return HelpText{help};
  if (app.count("-n") > 0) options.runs = static_cast<unsigned>(number(app, "-n", runs, 1, 1000));
  if (options.command.empty() || options.command[0].empty())
    throw UsageError(
        "compare: no command to run; accepted: jitcorral compare [options] -- CMD [ARGUMENTS...]");
  return options;
}

}  // namespace jitcorral::command
