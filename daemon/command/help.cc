#include <fmt/format.h>
#include <unistd.h>

#include <iterator>

#include "analyze/report.h"
#include "command/commands.h"
#include "command/output.h"
#include "command/parse.h"
#include "command/shim_file.h"
#include "jitcorral/policy.h"
#include "show/layout.h"

namespace jitcorral::command {
namespace {

constexpr std::string_view kOverview =
    R"(jitcorral keeps the code and data of unmodified JIT hosts within reach of each other, and tells
whether placement is what makes yours crash.

Usage: jitcorral SUBCOMMAND [options]

  run [options] [--] CMD   run CMD under jitcorral and record where everything lies
  report                   say what was recorded, and whether it reaches
  runs                     list what was recorded
  ps                       the living processes: their windows, what lies in them, their verdicts
  show PID|RUN             the report of one process
  explain PID|RUN          it crashed: can placement be the cause?
  explain --core FILE      the same of a crash that nobody recorded
  audit PID                decode a living process's code: where does each reference land?
  export                   runs and events as rows, for pandas, DuckDB and spreadsheets
  doctor [--] CMD          look at CMD and its libraries without running it: which JITs are inside,
                           what jitcorral will do, and what it can't see
  compare [--] CMD         run CMD bare and with the library by turns: the same? what does it cost?
  selftest                 the same of this machine's interpreters: may it be rolled out here?
  help [TOPIC]             env: every JITCORRAL_ variable; verdicts: what they mean;
                           run, report, runs, ps, show, explain, audit, export, doctor, compare,
                           selftest: their options
  --version                this command's version, and the library's

Examples:
  jitcorral run --report -- python3 prog.py       is placement my illness?
  jitcorral run --repeat 10 -- python3 prog.py    does it fail scattered, and not under auto?
  jitcorral explain 12                            run 12 crashed: can placement be the cause?
  jitcorral report --html report.html             all that is known, as a page for a browser
  jitcorral doctor -- ./server                    can it be served at all?

Exit status: that of CMD (128 + signal if killed; 126, 127: could not be started); 1: could not be
done; 2: bad usage; with --check 3: a run is at-risk or out-of-reach; 4: a run is unknown. Of doctor
0: can be served, or nothing to serve; 3: can't be served; 4: unknown. Of audit 3: out-of-reach;
4: unknown. Of compare and selftest 3:
something differs.
)";

struct VerdictHelp {
  std::string_view means;
  std::string_view next;
  std::string_view check;
};
// In the order of analyze::Verdict.
constexpr VerdictHelp kVerdicts[] = {
    {"Every pair of mappings that may have to reach each other did, at every moment of the run.",
     "Placement is ruled out. If it crashes all the same, the cause is another.", "0"},
    {"Some pair lay beyond a reach that binds or may bind this engine, or a JIT call fell back to "
     "where the kernel put it. Distance is not guilt: `binds` maybe means that nobody knows "
     "whether "
     "this engine emits such references here.",
     "Under observe, scatter or off: run it with --policy auto; does the crash go away? Under "
     "auto: "
     "set what the report names beside the fallbacks. `jitcorral run --repeat 10 -- CMD` counts "
     "the "
     "failures bare, scattered and auto.",
     "3"},
    {"A reference in the code was decoded, and its target is not where it can point.",
     "Placement is the cause. Run it with --policy auto, or set what the report names.", "3"},
    {"No JIT was at work in this process.",
     "Placement is ruled out. If you expect a JIT here: is its engine one that is recognised "
     "(README), or does JITCORRAL_INCLUDE have to name it?",
     "0"},
    {"Something was not seen: events were dropped, the library was not loaded, a mapping has no "
     "event. `not seen` in the report (blind[] in JSON) names it.",
     "Dropped events: run it again on a quieter machine. Not loaded: a static, set-uid or "
     "sandboxed program, or one that clears its environment, can't be watched. Else no verdict is "
     "to be had, and none is given.",
     "4"}};
static_assert(std::size(kVerdicts) == std::size(analyze::kVerdictNames));

std::string environment(std::size_t width) {
  std::string out =
      "Variables that the library reads when a process starts; --set NAME=VALUE of `jitcorral run` "
      "sets one\nfor a command. What is not accepted is said once, and the default is used.\n";
  for (const VariableInfo& variable : kVariables) {
    out += '\n';
    out +=
        show::wrapped(fmt::format("{:<21}", variable.name),
                      fmt::format("{} (default: {})", variable.accepts, variable.fallback), width);
    out += show::wrapped("    ", variable.help, width);
  }
  return out +
         "\nExamples:\n"
         "  JITCORRAL_STATS=1 LD_PRELOAD=/path/to/libjitcorral.so python3 prog.py\n"
         "  jitcorral run --set JITCORRAL_WINDOW=256M --set JITCORRAL_NEAR=none -- python3 "
         "prog.py\n";
}

std::string verdicts(std::size_t width) {
  std::string out = "A report's first line is the worst verdict of its runs. What each means:\n";
  for (std::size_t i = 0; i < std::size(kVerdicts); ++i) {
    const std::string_view name = analyze::kVerdictNames[i];
    out += fmt::format("\n{}  (--check exits {})\n", name, kVerdicts[i].check);
    out += show::wrapped("    ", kVerdicts[i].means, width);
    out += show::wrapped("    next: ", kVerdicts[i].next, width);
  }
  return out +
         "\nOf several runs --check names the worst: 3 before 4 before 0.\n"
         "\nExamples:\n"
         "  jitcorral run --check -- ./tests && echo placement is ruled out\n"
         "  jitcorral report --check --json > report.json\n";
}

}  // namespace

int help(const std::string& topic) {
  const std::size_t width = std::min(text_options(STDOUT_FILENO).width, 100U);
  if (topic.empty()) return print(kOverview);
  if (topic == "env") return print(environment(width));
  if (topic == "verdicts") return print(verdicts(width));
  fail(fmt::format("help: no topic '{}'; there are env and verdicts", topic));
  return kBadUsage;
}

int version() {
  std::string text = "jitcorral " JITCORRAL_VERSION "\n";
  const std::string shim = find_shim();
  if (shim.empty())
    text += "shim: not found\n";
  else if (const std::string found = shim_version(shim); !found.empty())
    text += fmt::format("shim: {} ({})\n", found, shim);
  else
    text += fmt::format("shim: {} does not say its version\n", shim);
  return print(text);
}

}  // namespace jitcorral::command
