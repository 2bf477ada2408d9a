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

// The text of the help, or the options. `word`: the run.
std::string parse_one(CLI::App& app, OneRunOptions& options, std::string& word,
                      std::vector<std::string> arguments) {
  app.add_option("--db", options.db, std::string(kDbHelp))->type_name("FILE");
  app.add_flag("--json", options.json, "for programs: every number exact");
  app.add_option("PID|RUN", word, "a living process, or a run of `jitcorral runs`; run:N, pid:N")
      ->type_name("");
  check_options(app, arguments, false);
  return parse_with(app, std::move(arguments));
}

Which named(const CLI::App& app, const std::string& word) {
  if (word.empty())
    throw UsageError(fmt::format(
        "{}: no run was named; accepted: a number, run:NUMBER or pid:NUMBER (jitcorral runs)",
        app.get_name()));
  return which_of(app, word);
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
  std::string word;
  if (const std::string help = parse_one(app, options, word, std::move(arguments)); !help.empty())
    return HelpText{help};
  options.which = named(app, word);
  return options;
}

Asked parse_explain(std::vector<std::string> arguments) {
  ExplainOptions options;
  CLI::App app(
      "Whether placement can be what made a run crash or go wrong: which pair, which caller, how "
      "far,\nwhich relocations would not reach; or that it is ruled out, with the evidence.\n\n"
      "With --core the same of a process that was never recorded: its faulting instruction is "
      "decoded, the\naddress that it meant is traced back, and every reference of the JITs' code "
      "is looked at. Cores of\nx86-64 and aarch64, on either.",
      "explain");
  dress(
      app,
      "jitcorral explain [--db FILE] [--json] PID|RUN\n"
      "       jitcorral explain --core FILE [--exe PROGRAM] [--limit N] [--json]",
      "  jitcorral explain 12                   run 12 crashed: was it where its code lay?\n"
      "  jitcorral explain pid:4711 --json | jq .answer\n"
      "  jitcorral explain 12 && echo look elsewhere\n"
      "  jitcorral explain --core core.4711     why did it die, without a record?\n"
      "  coredumpctl dump 4711 -o core && jitcorral explain --core core --json | jq .headline\n"
      "\nExit status:\n"
      "  0  placement is ruled out\n"
      "  3  placement can be the cause\n"
      "  4  not known: something was not seen\n"
      "\nJSON:\n"
      "  answer (ruled-out, can-be, unknown), headline, because, verdict, run, pid, exe, exit, "
      "ended,\n"
      "  beyond[{engine,reach,limit,distance,excess,pairs,pairs_over,binds,why,relocations,\n"
      "  from{begin,end,kind,module,symbol},to,ticket}], evidence[], not_seen[], next[].\n"
      "  With --core: answer, conclusion (ruled-out, cause, can-be, unknown), headline, core, exe, "
      "isa,\n"
      "  engines[], under_shim, threads, thread, signal, pc, pc_place, in_jit, "
      "instruction{at,text},\n"
      "  sent_away, touched, touched_place, access, bytes, origin{register,steps[],end}, culprit,\n"
      "  here, audit, misses[], misses_left_out, missing[]; references and places as audit has "
      "them.\n");
  std::string word, limit;
  app.add_option("--core", options.core, "a core file, instead of a run")->type_name("FILE");
  app.add_option("--exe", options.executable, "the program, if it is not where the core says")
      ->type_name("PROGRAM");
  app.add_option("--limit", limit, "show at most that many references that miss; 0: all (20)")
      ->type_name("N");
  if (const std::string help = parse_one(app, options, word, std::move(arguments)); !help.empty())
    return HelpText{help};
  if (!limit.empty())
    options.limit = static_cast<std::size_t>(number(app, "--limit", limit, 0, 1000000));
  if (options.core.empty()) {
    if (!options.executable.empty() || !limit.empty())
      throw UsageError(
          fmt::format("explain: {} goes with --core FILE", limit.empty() ? "--exe" : "--limit"));
    options.which = named(app, word);
  } else if (!word.empty() || !options.db.empty()) {
    throw UsageError(
        fmt::format("explain: --core is about a file, and '{}' about a run; accepted: "
                    "one of them",
                    word.empty() ? options.db : word));
  }
  return options;
}

}  // namespace jitcorral::command
