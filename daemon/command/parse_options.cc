#include "command/parse_options.h"

#include <fmt/format.h>

#include "jitcorral/policy_parse.h"

namespace jitcorral::command {
namespace {

// CLI11's help, with the usage line that we mean.
class Help : public CLI::Formatter {
 public:
  explicit Help(std::string usage) : usage_(std::move(usage)) { column_width(26); }
  std::string make_usage(const CLI::App*, std::string) const override {
    return "\nUsage: " + usage_ + "\n";
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_name().empty() ? "" : " " + option->get_type_name();
  }

 private:
  std::string usage_;
};

// As the shim will read them: a value that it would not take is bad usage here.
void check_value(const CLI::App& app, std::string_view option, const VariableInfo& variable,
                 std::string_view value, std::string_view shown) {
  Policy scratch;
  if (!parse_variable(scratch, variable.id, value))
    not_accepted(app, option, shown, variable.accepts);
}

void check_set(const CLI::App& app, const std::string& setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0)
    not_accepted(app, "--set", setting, "NAME=VALUE, with a name of `jitcorral help env`");
  const std::string name = setting.substr(0, equals);
  const VariableInfo* const variable = find_variable(name);
  if (variable == nullptr) {
    const VariableInfo* const near = nearest_variable(name);
    not_accepted(
        app, "--set", setting,
        near == nullptr
            ? std::string("the variables of `jitcorral help env`")
            : fmt::format("the variables of `jitcorral help env`; did you mean {}?", near->name));
  }
  check_value(app, "--set", *variable, setting.substr(equals + 1), setting);
}

}  // namespace

void dress(CLI::App& app, const std::string& usage, const std::string& examples) {
  app.formatter(std::make_shared<Help>(usage));
  app.set_help_flag("-h,--help", "this text");
  app.footer("Examples:\n" + examples);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::uint64_t number(const CLI::App& app, std::string_view option, const std::string& text,
                     std::uint64_t least, std::uint64_t most) {
  const auto n = parse_number(text);
  if (!n || *n < least || *n > most)
    not_accepted(app, option, text, fmt::format("a whole number, {} to {}", least, most));
  return *n;
}

Asked parse_run(std::vector<std::string> arguments) {
  RunOptions options;
  CLI::App app(
      "Runs CMD under jitcorral and records where its JIT's code and data lie. CMD always "
      "runs, also\nwhere nothing can be recorded; its status is the status.",
      "run");
  dress(
      app, "jitcorral run [options] [--] CMD [ARGUMENTS...]",
      "  jitcorral run --report -- python3 prog.py       run it, then say whether it reaches\n"
      "  jitcorral run --policy observe --report prog    the same of the kernel's own placement\n"
      "  jitcorral run --repeat 10 -- python3 prog.py    bare, scattered, auto: prove illness and "
      "cure\n"
      "  jitcorral run --check --json out.json -- ./test.sh   for CI: exit 3 or 4 by the verdicts\n"
      "  jitcorral run --set JITCORRAL_WINDOW=256M prog  any variable of `jitcorral help env`\n");
  std::string repeat, seed;
  app.add_option("--policy", options.policy, "JITCORRAL_POLICY for CMD (jitcorral help env)")
      ->type_name("POLICY");
  app.add_option("--set", options.set, "any JITCORRAL_ variable for CMD; may be repeated")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--report", options.report, "afterwards the report, on standard error");
  app.add_option("--json", options.json, "afterwards the report as JSON; -: on standard output")
      ->type_name("FILE");
  app.add_flag("--check", options.check,
               "if CMD ends with 0, exit 3 for at-risk or out-of-reach, 4 for unknown");
  app.add_option("--repeat", repeat, "bare, scattered and auto, N times each; counts the failures")
      ->type_name("N");
  app.add_option("--seed", seed, "of the first scattered run; the others count up")->type_name("N");
  app.add_flag("--keep-arguments", options.keep_arguments, "store CMD's arguments too");
  app.add_option("--db", options.db, std::string(kDbHelp))->type_name("FILE");
  app.add_option("--shim", options.shim, "the library; else the one beside this command")
      ->type_name("FILE");
  // CMD's options are its own: CLI11 sees nothing from its name on.
  std::size_t end = check_options(app, arguments, true);
  const std::size_t begin = end < arguments.size() && arguments[end] == "--" ? end + 1 : end;
  using Offset = std::vector<std::string>::difference_type;
  options.command.assign(arguments.begin() + static_cast<Offset>(begin), arguments.end());
  arguments.resize(end);
  const std::string help = parse_with(app, std::move(arguments));
  if (!help.empty()) return HelpText{help};
  if (!options.policy.empty() || app.count("--policy") > 0)
    check_value(app, "--policy", *find_variable("JITCORRAL_POLICY"), options.policy,
                options.policy);
  for (const std::string& setting : options.set) check_set(app, setting);
  if (app.count("--repeat") > 0)
    options.repeat = static_cast<unsigned>(number(app, "--repeat", repeat, 1, 10000));
  if (app.count("--seed") > 0) options.seed = number(app, "--seed", seed, 0, UINT64_MAX);
  if (options.command.empty() || options.command[0].empty())
    throw UsageError(
        "run: no command to run; accepted: jitcorral run [options] -- CMD [ARGUMENTS...]");
  return options;
}

Asked parse_runs(std::vector<std::string> arguments) {
  RunsOptions options;
  CLI::App app(
      "Lists the sessions and runs of a database, and what a daemon recorded, the newest first.",
      "runs");
  dress(app, "jitcorral runs [--db FILE] [--json] [-n N]",
        "  jitcorral runs          the latest 20 sessions, and 20 runs of a daemon if one answers\n"
        "  jitcorral runs -n 0     all of them\n"
        "  jitcorral runs --json | jq '.sessions[].runs[] | select(.verdict == \"at-risk\") | "
        ".id'\n");
  std::string most;
  app.add_option("--db", options.db, std::string(kDbHelp))->type_name("FILE");
  app.add_flag("--json", options.json, "for programs");
  app.add_option("-n,--number", most, "sessions (of a daemon: runs), 20 unless told; 0: all")
      ->type_name("N");
  check_options(app, arguments, false);
  const std::string help = parse_with(app, std::move(arguments));
  if (!help.empty()) return HelpText{help};
  if (app.count("-n") > 0) options.most = number(app, "-n", most, 0, UINT64_MAX);
  return options;
}

Asked parse_doctor(std::vector<std::string> arguments) {
  DoctorOptions options;
  CLI::App app(
      "Looks at CMD's executable and its libraries without running them, and says which JIT "
      "engines "
      "are\ninside, how each allocates, what jitcorral will do, and what it can't see.",
      "doctor");
  dress(
      app, "jitcorral doctor [--json] [--shim FILE] [--] CMD [ARGUMENTS...]",
      "  jitcorral doctor -- ./server                   is there a JIT inside? can it be served?\n"
      "  jitcorral doctor python3 prog.py               the packages beside Python, too\n"
      "  jitcorral doctor --json -- ./server | jq .answer\n"
      "  JITCORRAL_ONLY='*server' jitcorral doctor ./server   under that policy\n"
      "  QEMU_LD_PREFIX=/sysroot jitcorral doctor --shim build/aarch64/libjitcorral.so prog\n"
      "\nExit status:\n"
      "  0    serves, may-serve, nothing-to-serve\n"
      "  3    cannot-serve: an engine is inside that jitcorral can't serve here\n"
      "  4    unknown: a script that starts others, or libraries that were not found\n"
      "  126  CMD can't be run or is damaged; 127: it was not found; 2: bad usage\n"
      "\nJSON:\n"
      "  answer, because, exe, steps[], isa, linkage, libc, libraries, missing[{name,by}],\n"
      "  engines[{engine,version,module,certainty,why,found_by,allocates,used,served,outcome,\n"
      "  reach{NAME{limit,binds,why}}}], self_contained[{module,why}], policy, settings[], and\n"
      "  obstacles[], will[], cannot_see[], each {id,text}: ids stay, texts may change.\n"
      "  certainty: linked (loaded at start), asked (the script imports it), beside "
      "(installed).\n");
  app.add_flag("--json", options.json, "for programs");
  app.add_option("--shim", options.shim, "the library; else the one beside this command")
      ->type_name("FILE");
  options.command = take_command(app, arguments);
  const std::string help = parse_with(app, std::move(arguments));
  if (!help.empty()) return HelpText{help};
  if (options.command.empty() || options.command[0].empty())
    throw UsageError(
        "doctor: no command to look at; accepted: jitcorral doctor [--json] -- CMD [ARGUMENTS...]");
  return options;
}

}  // namespace jitcorral::command
