#include <fmt/format.h>

#include "command/parse_options.h"

namespace jitcorral::command {

Asked parse_audit(std::vector<std::string> arguments) {
  AuditOptions options;
  CLI::App app(
      "Decodes the code that JITs made in a living process and says where each reference in it "
      "lands:\nwhere it should, or off by what its field can't hold. The process goes on "
      "meanwhile; nothing of it\nis changed.",
      "audit");
  dress(app, "jitcorral audit [--all] [--limit N] [--db FILE|--ring RINGFILE] [--json] PID",
        "  jitcorral audit 4711            does all code of this process reach what it means?\n"
        "  jitcorral audit --json 4711 | jq '.misses[] | [.instruction, .cut_off.meant]'\n"
        "  sudo jitcorral audit --all 4711    also executables and libraries, another user's "
        "process\n"
        "\nExit status:\n"
        "  0  within-reach, or no JIT's code is there\n"
        "  3  out-of-reach: a reference was cut off to its field and misses\n"
        "  4  unknown: one misses that nothing explains, or something was not seen\n"
        "  1  the process can't be read; one line says why, and what allows it\n"
        "\nJSON:\n"
        "  verdict, because, pid, exe, isa, run, code{mappings,bytes,functions,data,padding,"
        "doubtful,\n"
        "  undecoded}, references{seen,landed,cut_off,doubtful,doubtful_misses},\n"
        "  fields{NAME{reach,seen,landed}}, misses[{proof,from,instruction,with,with_instruction,"
        "to,\n"
        "  field,access,bytes,strength,landing,place,cut_off{bits,times,meant,place,chance}}],\n"
        "  misses_left_out, blind[].\n");
  std::string pid, limit;
  app.add_flag("--all", options.all, "also the code of the executable and its libraries");
  app.add_option("--limit", limit, "show at most that many references that miss; 0: all (20)")
      ->type_name("N");
  app.add_option("--db", options.db, "where the process is recorded: which memory is an engine's")
      ->type_name("FILE");
  app.add_option("--ring", options.ring, "the same in a file that JITCORRAL_RECORD=file: writes")
      ->type_name("RINGFILE");
  app.add_flag("--json", options.json, "for programs: every number exact");
  app.add_option("PID", pid, "a living process")->type_name("");
  check_options(app, arguments, false);
  const std::string help = parse_with(app, std::move(arguments));
  if (!help.empty()) return HelpText{help};
  if (pid.empty()) throw UsageError("audit: no process was named; accepted: a PID");
  options.pid = static_cast<std::int32_t>(number(app, "PID", pid, 1, INT32_MAX));
  if (!limit.empty())
    options.limit = static_cast<std::size_t>(number(app, "--limit", limit, 0, 1000000));
  return options;
}

}  // namespace jitcorral::command
