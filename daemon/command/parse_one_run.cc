// show and explain: both are about one run.
#include <fmt/format.h>

#include <charconv>

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

std::uint64_t address(const CLI::App& app, std::string_view option, const std::string& text) {
  std::string_view digits = text;
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (problem != std::errc() || end != digits.data() + digits.size())
    not_accepted(app, option, text, "an address, hexadecimal: 0x7f00deadbeef");
  return value;
}

// The options of --core and --maps, as words.
struct Elsewhere {
  std::string pc, fault, limit;
  std::vector<std::string> code;
};

void add_elsewhere(CLI::App& app, ExplainOptions& options, Elsewhere& words) {
  app.add_option("--core", options.core, "a core file, instead of a run")->type_name("FILE");
  app.add_option("--exe", options.executable, "the program, if it is not where the core says")
      ->type_name("PROGRAM");
  app.add_option("--maps", options.maps, "a copy of /proc/PID/maps, instead of a run")
      ->type_name("FILE");
  app.add_option("--pc", words.pc, "with --maps: where it died, hexadecimal")->type_name("ADDRESS");
  app.add_option("--fault", words.fault, "with --maps: the address that it could not touch")
      ->type_name("ADDRESS");
  app.add_option("--code", words.code, "with --maps: bytes of memory, and where they lay")
      ->type_name("FILE@ADDRESS")
      ->allow_extra_args(false);
  app.add_option("--isa", options.isa, "with --maps: x86-64, aarch64 (as the mapped files tell)")
      ->type_name("ISA");
  app.add_option("--limit", words.limit, "show at most that many references that miss; 0: all (20)")
      ->type_name("N");
}

// True: it is about a file, and no run.
bool take_elsewhere(const CLI::App& app, const Elsewhere& words, const std::string& run,
                    ExplainOptions& options) {
  const bool core = !options.core.empty(), maps = !options.maps.empty();
  const auto goes_with = [](bool given, std::string_view option, std::string_view with, bool is) {
    if (given && !is) throw UsageError(fmt::format("explain: {} goes with {}", option, with));
  };
  goes_with(!options.executable.empty(), "--exe", "--core FILE", core);
  goes_with(!words.limit.empty(), "--limit", "--core FILE or --maps FILE", core || maps);
  goes_with(!words.pc.empty(), "--pc", "--maps FILE", maps);
  goes_with(!words.fault.empty(), "--fault", "--maps FILE", maps);
  goes_with(!words.code.empty(), "--code", "--maps FILE", maps);
  goes_with(!options.isa.empty(), "--isa", "--maps FILE", maps);
  if (!core && !maps) return false;
  if (core && maps) throw UsageError("explain: --core and --maps are two; accepted: one of them");
  if (!run.empty() || !options.db.empty())
    throw UsageError(
        fmt::format("explain: {} is about a file, and '{}' about a run; accepted: one "
                    "of them",
                    core ? "--core" : "--maps", run.empty() ? options.db : run));
  if (!words.limit.empty())
    options.limit = static_cast<std::size_t>(number(app, "--limit", words.limit, 0, 1000000));
  if (!maps) return true;
  if (words.pc.empty())
    throw UsageError("explain: --maps wants --pc ADDRESS, where it died (of a log, or of dmesg)");
  options.pc = address(app, "--pc", words.pc);
  if (!words.fault.empty()) options.fault = address(app, "--fault", words.fault);
  if (!options.isa.empty() && options.isa != "x86-64" && options.isa != "aarch64")
    not_accepted(app, "--isa", options.isa, "x86-64, aarch64");
  for (const std::string& code : words.code) {
    const std::size_t at = code.rfind('@');
    if (at == std::string::npos || at == 0)
      not_accepted(app, "--code", code, "FILE@ADDRESS: the bytes, and where in memory they lay");
    options.code.push_back({code.substr(0, at), address(app, "--code", code.substr(at + 1))});
  }
  return true;
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
      "is looked at. Cores of\nx86-64 and aarch64, on either. With --maps the same as far as a "
      "list of "
      "mappings and a\nprogram counter tell, which logs often hold.",
      "explain");
  dress(
      app,
      "jitcorral explain [--db FILE] [--json] PID|RUN\n"
      "       jitcorral explain --core FILE [--exe PROGRAM] [--limit N] [--json]\n"
      "       jitcorral explain --maps FILE --pc ADDRESS [--fault ADDRESS]\n"
      "         [--code FILE@ADDRESS]... [--json]",
      "  jitcorral explain 12                   run 12 crashed: was it where its code lay?\n"
      "  jitcorral explain pid:4711 --json | jq .answer\n"
      "  jitcorral explain 12 && echo look elsewhere\n"
      "  jitcorral explain --core core.4711     why did it die, without a record?\n"
      "  coredumpctl dump 4711 -o core && jitcorral explain --core core --json | jq .headline\n"
      "  jitcorral explain --maps maps.txt --pc 0x7f3a1c0040 --fault 0x7f391c0128\n"
      "\nExit status:\n"
      "  0  placement is ruled out\n"
      "  3  placement can be the cause\n"
      "  4  not known: something was not seen\n"
      "\nJSON:\n"
      "  answer (ruled-out, can-be, unknown), headline, because, verdict, run, pid, exe, exit, "
      "ended,\n"
      "  beyond[{engine,reach,limit,distance,excess,pairs,pairs_over,binds,why,relocations,\n"
      "  from{begin,end,kind,module,symbol},to,ticket}], evidence[], not_seen[], next[].\n"
      "  With --core, --maps: answer, conclusion (ruled-out, cause, can-be, unknown), headline,\n"
      "  file, exe, isa, engines[], under_shim, threads, thread, signal, pc, pc_place, in_jit,\n"
      "  instruction{at,text},\n"
      "  sent_away, touched, touched_place, access, bytes, origin{register,steps[],end}, culprit,\n"
      "  here, audit, misses[], misses_left_out, missing[],\n"
      "  spans[{field,to,reach,pairs,beyond,code,nearest,distance}], guesses[];\n"
      "  references and places as audit has them.\n");
  std::string word;
  Elsewhere words;
  add_elsewhere(app, options, words);
  if (const std::string help = parse_one(app, options, word, std::move(arguments)); !help.empty())
    return HelpText{help};
  if (!take_elsewhere(app, words, word, options)) options.which = named(app, word);
  return options;
}

}  // namespace jitcorral::command
