#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "show/advice.h"
#include "show/human.h"
#include "show/names.h"
#include "show/safe.h"
#include "show/text_run.h"

namespace jitcorral::show {
namespace {

// More runs with JIT than these stand on a line each: a report is read by someone in a hurry.
constexpr std::size_t kMostInFull = 4;
constexpr std::size_t kMostNames = 12;

std::string headline(const Shown& worst, bool alone, const TextOptions& options) {
  const std::string_view name = name_in(analyze::kVerdictNames, worst.report.verdict);
  std::string text = worst.report.because.empty() ? "no reason was given" : worst.report.because;
  if (!alone) text = fmt::format("run {} ({}): {}", worst.run.id, name_of(worst.run), text);
  // Wrapped before it is painted: escape sequences take no columns.
  std::string out = wrapped("", fmt::format("{}: {}", name, text), options.width);
  out.replace(0, name.size(), paint(options.colour, colour_of(worst.report.verdict), name));
  return out;
}

// Names with how often each came, most first: "sh (3), cc1".
std::string names(const std::vector<std::string>& all) {
  std::map<std::string, std::size_t> times;
  for (const std::string& name : all) ++times[name];
  std::vector<std::pair<std::string, std::size_t>> sorted(times.begin(), times.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (std::size_t i = 0; i < std::min(sorted.size(), kMostNames); ++i) {
    if (i > 0) text += ", ";
    text += sorted[i].first;
    if (sorted[i].second > 1) text += fmt::format(" ({})", sorted[i].second);
  }
  if (sorted.size() > kMostNames)
    text += fmt::format(" and {}", counted(sorted.size() - kMostNames, "other"));
  return text;
}

std::string described(const model::Run& run) {
  std::string name = name_of(run);
  if (run.state == model::RunState::kNotLoaded)
    return run.reason.empty() ? name : fmt::format("{} ({})", name, run.reason);
  return run.signal ? fmt::format("{} ({})", name, end_of(run)) : name;
}

bool is_folded(const Shown& shown) {
  return shown.run.state == model::RunState::kNotLoaded ||
         shown.report.verdict == analyze::Verdict::kNoJit;
}

std::string folded_section(const std::vector<const Shown*>& folded, const TextOptions& options) {
  std::vector<std::string> without, not_loaded;
  for (const Shown* shown : folded)
    (shown->run.state == model::RunState::kNotLoaded ? not_loaded : without)
        .push_back(described(shown->run));
  std::string out;
  if (!without.empty())
    out += wrapped(
        "", counted(without.size(), "process", "processes") + " without JIT: " + names(without),
        options.width);
  if (!not_loaded.empty()) out += wrapped("", "not loaded: " + names(not_loaded), options.width);
  return out.empty() ? out : '\n' + out;
}

std::string brief_section(std::span<const Shown* const> brief, const TextOptions& options) {
  if (brief.empty()) return {};
  Table table("rllrrl");
  table.add({"run", "process", "verdict", "steered", "fell back", "ended"});
  for (const Shown* shown : brief)
    table.add({std::to_string(shown->run.id), name_of(shown->run),
               std::string(name_in(analyze::kVerdictNames, shown->report.verdict)),
               counter_of(shown->run, ring::kSteered), counter_of(shown->run, ring::kFellBack),
               end_of(shown->run)});
  return '\n' + table.draw(0, options.width, options.colour, 1);
}

std::string session_line(const model::Session& session, std::size_t runs,
                         const TextOptions& options) {
  std::string text =
      fmt::format("{} on {}, {}", session.command, session.host, local_time(session.started));
  // One may be all that was asked for, of a session of many.
  if (runs > 1) text += ", " + counted(runs, "process", "processes");
  if (session.status) text += fmt::format(", ended with {}", *session.status);
  return wrapped(fmt::format("session {}  ", session.id), text, options.width);
}

std::string how_to_go_on(const std::vector<const Shown*>& full, std::size_t runs,
                         const TextOptions& options) {
  Table table("ll");
  table.add({"go on", ""});
  if (runs > 1) {
    const model::RunId id = full.empty() ? 0 : full.front()->run.id;
    table.add({fmt::format("  {} --run {}", options.again, id == 0 ? "N" : std::to_string(id)),
               "one run by itself"});
  }
  table.add({fmt::format("  {} --json", options.again), "for programs, every number exact"});
  table.add({"  jitcorral help verdicts", "what it means, what to do next"});
  return '\n' + table.draw(0, options.width, options.colour, 0);
}

}  // namespace

int severity(analyze::Verdict verdict) {
  switch (verdict) {
    case analyze::Verdict::kNoJit:
      return 0;
    case analyze::Verdict::kWithinReach:
      return 1;
    case analyze::Verdict::kAtRisk:
      return 3;
    case analyze::Verdict::kOutOfReach:
      return 4;
    default:
      return 2;
  }
}

const Shown* worst(std::span<const Shown> runs) {
  const Shown* found = nullptr;
  for (const Shown& shown : runs)
    if (found == nullptr || severity(shown.report.verdict) > severity(found->report.verdict))
      found = &shown;
  return found;
}

std::string text(const model::Session* session, std::span<const Shown> given,
                 const TextOptions& options) {
  std::vector<Shown> runs;
  for (const Shown& shown : given) runs.push_back(printable(shown));
  const Shown* const first = worst(runs);
  if (first == nullptr) {
    std::string out = "unknown: no process of this session was recorded\n";
    if (session != nullptr) out += '\n' + session_line(printable(*session), 0, options);
    return out;
  }
  std::string out = headline(*first, runs.size() == 1, options);
  out += wrapped("next: ", advice(*first), options.width) + '\n';
  if (session != nullptr) out += session_line(printable(*session), runs.size(), options);

  std::vector<const Shown*> full, folded;
  for (const Shown& shown : runs)
    (is_folded(shown) && runs.size() > 1 ? folded : full).push_back(&shown);
  std::stable_sort(full.begin(), full.end(), [](const Shown* a, const Shown* b) {
    return severity(a->report.verdict) > severity(b->report.verdict);
  });
  const std::size_t in_full = std::min(full.size(), kMostInFull);
  for (std::size_t i = 0; i < in_full; ++i) {
    if (i > 0) {
      const Shown& shown = *full[i];
      out += '\n' +
             wrapped("",
                     fmt::format("{}: {}", name_in(analyze::kVerdictNames, shown.report.verdict),
                                 shown.report.because),
                     options.width);
    }
    out += run_section(*full[i], options);
  }
  out += brief_section(std::span(full).subspan(in_full), options);
  out += folded_section(folded, options);
  if (session != nullptr)
    out += (folded.empty() ? "\n" : "") +
           wrapped("", std::string("not listed: ") + kUnlisted, options.width);
  return out + how_to_go_on(full, runs.size(), options);
}

}  // namespace jitcorral::show
