#include "show/ps.h"

#include <fmt/format.h>

#include "show/human.h"
#include "show/layout.h"
#include "show/names.h"
#include "show/safe.h"
#include "show/text_run.h"

namespace jitcorral::show {
namespace {

// From these widths on there is room for the policy and for bytes, and for what the window lies
// near.
constexpr unsigned kWide = 100, kWithAnchor = 116;

std::string fill_text(const Detailed& run, const TextOptions& options) {
  const auto& window = run.shown.run.window;
  if (!window || window->range.empty()) return "-";
  const Bytes in = filled(run);
  const double percent =
      100.0 * static_cast<double>(in.count) / static_cast<double>(window->range.size().count);
  const std::string part =
      percent > 0 && percent < 1 ? std::string("<1 %") : fmt::format("{:.0f} %", percent);
  return options.width < kWide ? part : fmt::format("{}, {}", size_of(in), part);
}

std::string verdict_text(const Living& living) {
  if (!living.record) return living.jits ? "not recorded here" : "no JIT yet";
  if (!living.jits) return "no JIT yet";
  return std::string(name_in(analyze::kVerdictNames, living.record->shown.report.verdict));
}

std::vector<std::string> row_of(const Living& living, const TextOptions& options) {
  const bool wide = options.width >= kWide, anchored = options.width >= kWithAnchor;
  std::vector<std::string> row = {std::to_string(living.pid), "-",
                                  printable(std::string_view(living.name))};
  if (!living.record) {
    row.insert(row.end(), 5 + (wide ? 1U : 0U) + (anchored ? 1U : 0U), "-");
    row.back() = verdict_text(living);
    return row;
  }
  const model::Run& run = living.record->shown.run;
  const bool window = run.window && !run.window->range.empty();
  row[1] = std::to_string(run.id);
  if (wide) row.push_back(std::string(name_in(kModeNames, run.mode)));
  row.push_back(window ? size_of(run.window->range.size()) : "-");
  if (anchored)
    row.push_back(window && !run.window->anchor.empty() ? hex(run.window->anchor.begin) : "-");
  row.insert(row.end(), {fill_text(*living.record, options), counter_of(run, ring::kSteered),
                         counter_of(run, ring::kFellBack), verdict_text(living)});
  return row;
}

std::string notes(const Processes& processes, const TextOptions& options) {
  std::string out;
  if (!processes.daemon)
    out += wrapped("",
                   processes.database.empty()
                       ? std::string("no daemon answers, and there is no database: what has the "
                                     "library mapped is all that is known")
                       : "no daemon answers; the records are those of " +
                             printable(std::string_view(processes.database)),
                   options.width);
  if (processes.silent > 0)
    out += wrapped("",
                   fmt::format("{} under the library without a JIT's calls: --all shows {}",
                               counted(processes.silent, "process", "processes"),
                               processes.silent == 1 ? "it" : "them"),
                   options.width);
  if (processes.closed > 0)
    out += wrapped("",
                   fmt::format("{} could not be looked at (other users', or protected)",
                               counted(processes.closed, "process", "processes")),
                   options.width);
  return out;
}

}  // namespace

Bytes filled(const Detailed& run) {
  Bytes sum{};
  if (!run.shown.run.window) return sum;
  for (const analyze::Placement& p : run.placements.all)
    if (p.of_jit && !p.died && run.shown.run.window->range.contains(p.range))
      sum = sum + p.range.size();
  return sum;
}

std::string processes_text(const Processes& processes, const TextOptions& options) {
  std::string out;
  if (processes.all.empty()) {
    out = "no living process with a JIT under jitcorral\n";
  } else {
    const bool wide = options.width >= kWide, anchored = options.width >= kWithAnchor;
    Table table(std::string("rrl") + (wide ? "l" : "") + 'r' + (anchored ? "l" : "") + "rrrl");
    std::vector<std::string> head = {"pid", "run", "process"};
    if (wide) head.push_back("policy");
    head.push_back("window");
    if (anchored) head.push_back("near");
    head.insert(head.end(), {"in it", "steered", "fell back", "verdict"});
    table.add(head);
    for (const Living& living : processes.all) table.add(row_of(living, options));
    out = table.draw(0, options.width, options.colour, 2);
  }
  const std::string more = notes(processes, options);
  return more.empty() ? out : out + '\n' + more;
}

Json processes_json(const Processes& processes) {
  Json all = Json::array();
  for (const Living& living : processes.all) {
    Json one = {{"pid", living.pid},
                {"name", utf8(living.name)},
                {"exe", utf8(living.executable)},
                {"jit", living.jits},
                {"run", nullptr}};
    if (living.record) {
      Json whole = json(nullptr, std::span(&living.record->shown, 1));
      Json& run = whole["runs"][0];
      one["run"] = run["id"];
      for (const char* key : {"policy", "window", "counts", "verdict", "because", "blind"})
        one[key] = run[key];
      one["filled"] = filled(*living.record).count;
      for (const char* key : {"unit", "container", "slurm_job", "label"})
        if (run.contains(key)) one[key] = run[key];
    }
    all.push_back(std::move(one));
  }
  return {{"jitcorral", JITCORRAL_VERSION},
          {"daemon", processes.daemon},
          {"database", processes.database.empty() ? Json(nullptr) : Json(utf8(processes.database))},
          {"processes", std::move(all)},
          {"silent", processes.silent},
          {"not_looked_at", processes.closed}};
}

}  // namespace jitcorral::show
