#include "command/parse_options.h"

namespace jitcorral::command {

Asked parse_ps(std::vector<std::string> arguments) {
  PsOptions options;
  CLI::App app(
      "The living processes under jitcorral: their windows, what lies in them, what was steered "
      "and what\nfell back, and their verdicts so far.",
      "ps");
  dress(app, "jitcorral ps [--all] [--db FILE] [--json]",
        "  jitcorral ps              processes whose JITs made calls\n"
        "  jitcorral ps --all        also those that have the library mapped and never JITted\n"
        "  jitcorral ps --json | jq '.processes[] | select(.verdict == \"at-risk\") | .pid'\n");
  app.add_flag("--all", options.all, "also processes that never JITted");
  app.add_option("--db", options.db, std::string(kDbHelp))->type_name("FILE");
  app.add_flag("--json", options.json, "for programs");
  check_options(app, arguments, false);
  const std::string help = parse_with(app, std::move(arguments));
  if (!help.empty()) return HelpText{help};
  return options;
}

}  // namespace jitcorral::command
