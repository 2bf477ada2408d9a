#include <fmt/format.h>

#include "show/human.h"
#include "show/layout.h"
#include "show/names.h"
#include "show/safe.h"
#include "show/text_run.h"

namespace jitcorral::show {
namespace {

std::string head_of(const Listed& listed, const model::Session& session) {
  if (listed.by_daemon)
    return fmt::format("recorded by the daemon since {}", local_time(session.started));
  std::string text =
      fmt::format("session {}  {}  {}", session.id, local_time(session.started), session.command);
  if (session.status)
    text += fmt::format(", ended with {}", *session.status);
  else if (!session.ended)
    text += ", not seen to end";
  if (session.ended) text += " after " + duration_of(*session.ended - session.started);
  return text;
}

}  // namespace

std::string listing(std::span<const Listed> sessions, const TextOptions& options) {
  std::string out;
  for (const Listed& listed : sessions) {
    if (!out.empty()) out += '\n';
    const model::Session session = printable(listed.session);
    const std::string head = shorten(head_of(listed, session), options.width);
    out += paint(options.colour, Colour::kTitle, head) + '\n';
    Table table("rlrllrrl");
    table.add({"run", "process", "pid", "policy", "verdict", "steered", "fell back", "ended"});
    for (const model::Run& given : listed.runs) {
      const model::Run run = printable(given);
      const bool loaded = run.state != model::RunState::kNotLoaded;
      std::string end = end_of(run);
      if (!loaded) end = run.reason.empty() ? "not loaded" : "not loaded: " + run.reason;
      table.add({std::to_string(run.id), name_of(run), std::to_string(run.pid),
                 loaded ? std::string(name_in(kModeNames, run.mode)) : "-",
                 run.verdict.empty() ? "-" : run.verdict,
                 loaded ? counter_of(run, ring::kSteered) : "-",
                 loaded ? counter_of(run, ring::kFellBack) : "-", end});
    }
    if (listed.runs.empty())
      out += "  no process was recorded\n";
    else
      out += table.draw(2, options.width, options.colour, 1);
  }
  return out;
}

}  // namespace jitcorral::show
