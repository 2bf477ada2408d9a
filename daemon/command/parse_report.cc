#include <fmt/format.h>

#include "command/parse_options.h"
#include "jitcorral/policy_parse.h"

namespace jitcorral::command {

Asked parse_report(std::vector<std::string> arguments) {
  ReportOptions options;
  CLI::App app(
      "Says of the latest session, of one run or of a ring file where JIT code and data lay, "
      "and whether\nthat reaches.",
      "report");
  dress(
      app,
      "jitcorral report [--db FILE] [--run ID] [--json | --html FILE] [--share] [--check] "
      "[RINGFILE]",
      "  jitcorral report                      the latest session\n"
      "  jitcorral report --run 12             one run (jitcorral runs lists them)\n"
      "  jitcorral report --json | jq .verdict\n"
      "  jitcorral report --html report.html   one page for a browser: map, chart, every call\n"
      "  jitcorral report --html bug.html --share   to send to somebody: no names of yours in it\n"
      "  jitcorral report ring.4711            what JITCORRAL_RECORD=file:ring.%p wrote\n"
      "  jitcorral report --check && echo placement is ruled out\n");
  std::string run;
  app.add_option("--db", options.db, std::string(kDbHelp))->type_name("FILE");
  app.add_option("--run", run, "this run alone")->type_name("ID");
  app.add_flag("--json", options.json, "for programs: every number exact");
  app.add_option("--html", options.html,
                 "one page with everything, for a browser; -: on standard output")
      ->type_name("FILE");
  app.add_flag("--share", options.share,
               "leave out home folders, user and host names, arguments and labels");
  app.add_flag("--check", options.check,
               "exit 3 if a run is at-risk or out-of-reach, 4 if unknown");
  app.add_option("RINGFILE", options.ring, "a file that JITCORRAL_RECORD=file: wrote")
      ->type_name("");
  check_options(app, arguments, false);
  const std::string help = parse_with(app, std::move(arguments));
  if (!help.empty()) return HelpText{help};
  if (app.count("--run") > 0) {
    const auto id = parse_number(run);
    if (!id || *id == 0 || *id > INT64_MAX)
      not_accepted(app, "--run", run, "the number of a run (jitcorral runs lists them)");
    options.run = static_cast<std::int64_t>(*id);
  }
  if (app.count("--html") > 0 && options.html.empty())
    not_accepted(app, "--html", options.html,
                 "the name of a file to write, or - for standard output");
  if (options.json && !options.html.empty())
    throw UsageError("report: --json and --html are two reports; accepted: one of them");
  if (!options.ring.empty() && (app.count("--db") > 0 || options.run))
    throw UsageError(
        fmt::format("report: '{}' is a ring file, which has neither --db nor --run", options.ring));
  return options;
}

}  // namespace jitcorral::command
