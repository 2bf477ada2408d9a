#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <set>

#include "command/commands.h"
#include "command/figures.h"
#include "command/output.h"
#include "command/outputs.h"
#include "command/trial.h"
#include "show/human.h"
#include "show/safe.h"
#include "show/show.h"

namespace jitcorral::command {
namespace {

struct Figure {
  const char* name;  // as JSON has it
  const char* text;
  std::function<double(const Trial&)> of;
  std::string (*said)(double);
};

std::string as_time(double seconds) {
  return seconds < 0.01 ? fmt::format("{:.2f} ms", seconds * 1e3)
         : seconds < 1  ? fmt::format("{:.1f} ms", seconds * 1e3)
                        : fmt::format("{:.3f} s", seconds);
}
std::string as_size(double bytes) {
  return show::size_of(Bytes{static_cast<std::uint64_t>(bytes)});
}
std::string as_count(double n) {
  return show::count_of(static_cast<std::uint64_t>(n));
}

const Figure kFigures[] = {
    {"wall_seconds", "wall time", [](const Trial& t) { return t.wall; }, as_time},
    {"cpu_seconds", "CPU time", [](const Trial& t) { return t.cpu; }, as_time},
    {"max_rss_bytes", "max RSS", [](const Trial& t) { return static_cast<double>(t.max_rss); },
     as_size},
    {"page_faults", "page faults", [](const Trial& t) { return static_cast<double>(t.faults); },
     as_count},
    {"maps", "maps (*)", [](const Trial& t) { return static_cast<double>(t.maps); }, as_count}};

struct Series {
  std::vector<Trial> bare, with;
  Before before;
  std::set<std::string> differences, own_lines;
  std::optional<int> told_to_end;
  std::optional<int> not_started;  // its status
};

bool is_over(Series& series, const Trial& trial) {
  if (!trial.ended.started) series.not_started = trial.ended.status;
  series.told_to_end = trial.ended.told_to_end;
  return series.not_started || series.told_to_end;
}

// Bare first in even turns, with the shim first in odd ones: what warms up or cools down concerns
// both alike.
Series run_series(const CompareOptions& options, const std::string& shim) {
  Series series;
  const bool shows_progress = isatty(STDERR_FILENO) != 0;
  // Not measured: it warms caches, and tells what a command says differently each time.
  const Trial first = run_trial({options.command, "", {}});
  if (is_over(series, first)) return series;
  series.before.add(first);
  for (unsigned turn = 0; turn < options.runs; ++turn) {
    if (shows_progress)
      write_all(STDERR_FILENO, fmt::format("\r{} of {} ", turn + 1, options.runs));
    for (unsigned half = 0; half < 2; ++half) {
      const bool is_bare = (turn + half) % 2 == 0;
      Trial trial = run_trial({options.command, is_bare ? "" : shim, {}});
      if (is_over(series, trial)) return series;
      if (is_bare) series.before.add(trial);
      (is_bare ? series.bare : series.with).push_back(std::move(trial));
    }
  }
  if (shows_progress) write_all(STDERR_FILENO, "\r\033[K");
  for (const Trial& trial : series.with) {
    for (std::string& what : series.before.differences(trial))
      series.differences.insert(std::move(what));
    series.own_lines.insert(trial.own_lines.begin(), trial.own_lines.end());
  }
  return series;
}

Comparison compared(const Series& series, const Figure& figure) {
  std::vector<double> bare, with;
  for (const Trial& trial : series.bare) bare.push_back(figure.of(trial));
  for (const Trial& trial : series.with) with.push_back(figure.of(trial));
  return compare_pairs(bare, with);
}

std::string judged(const Comparison& c) {
  if (!c.low) return "too few runs to tell: at least -n 6";
  if (!c.is_beyond_noise) return "no difference beyond noise";
  return c.ratio > 1 ? "more than noise" : "less than noise";
}

bool saw_shim(const Series& series) {
  return std::any_of(series.with.begin(), series.with.end(),
                     [](const Trial& t) { return t.saw_shim; });
}

std::string text(const Series& series) {
  std::string out = fmt::format("  {:<12} {:>11} {:>11} {:>7}  {:<15} {}\n", "median of", "bare",
                                "jitcorral", "ratio", "95 % within", "");
  for (const Figure& figure : kFigures) {
    const Comparison c = compared(series, figure);
    out += fmt::format("  {:<12} {:>11} {:>11} {:>7.3f}  {:<15} {}\n", figure.text,
                       figure.said(c.bare.median), figure.said(c.with.median), c.ratio,
                       c.low ? fmt::format("{:.3f} - {:.3f}", *c.low, *c.high) : "-", judged(c));
  }
  const Comparison wall = compared(series, kFigures[0]);
  const auto range = [](const Quartiles& q) {
    return fmt::format("{} ({} - {}) {}", as_time(q.least), as_time(q.low), as_time(q.high),
                       as_time(q.most));
  };
  out += fmt::format("  wall, least (quartiles) most: bare {}, jitcorral {}\n", range(wall.bare),
                     range(wall.with));
  out += "  (*) of CMD's own process, the most that samples saw\n";
  if (!saw_shim(series))
    out +=
        "  the library was never seen in CMD: too short a run for that, or it can't be loaded "
        "(jitcorral doctor -- CMD)\n";
  for (const std::string& what : series.before.not_compared()) out += "  " + what + "\n";
  for (const std::string& line : series.own_lines) out += "  said: " + show::printable(line) + "\n";
  for (const std::string& what : series.differences)
    out += "  DIFFERENT: " + show::printable(what) + "\n";
  const std::string ending = ending_of(series.with.front());
  return out + (series.differences.empty()
                    ? fmt::format("same status and output in {} runs each ({})\n",
                                  series.bare.size(), ending)
                    : std::string("status or output differ: do not roll out; please report it\n"));
}

show::Json json(const Series& series) {
  const auto of = [](const Quartiles& q) {
    return show::Json{
        {"min", q.least}, {"q1", q.low}, {"median", q.median}, {"q3", q.high}, {"max", q.most}};
  };
  show::Json out;
  out["same"] = series.differences.empty();
  out["runs"] = series.bare.size();
  out["ended"] = ending_of(series.with.front());
  out["differences"] = show::Json::array();
  for (const std::string& what : series.differences) out["differences"].push_back(show::utf8(what));
  out["not_compared"] = series.before.not_compared();
  out["said"] = show::Json::array();
  for (const std::string& line : series.own_lines) out["said"].push_back(show::utf8(line));
  out["shim_seen"] = saw_shim(series);
  for (const Figure& figure : kFigures) {
    const Comparison c = compared(series, figure);
    show::Json& one = out["figures"][figure.name];
    one = {{"bare", of(c.bare)}, {"jitcorral", of(c.with)}, {"ratio", c.ratio}};
    one["ratio_low"] = c.low ? show::Json(*c.low) : show::Json();
    one["ratio_high"] = c.high ? show::Json(*c.high) : show::Json();
    one["beyond_noise"] = c.is_beyond_noise;
  }
  return out;
}

}  // namespace

int compare(const CompareOptions& options) {
  const std::string shim = shim_for_trials(options.shim);
  if (shim.empty()) return kFailed;
  const Series series = run_series(options, shim);
  if (series.not_started) return *series.not_started;
  if (series.told_to_end) return 128 + *series.told_to_end;
  if (const int failed = print(options.json ? show::dump(json(series)) : text(series)))
    return failed;
  return series.differences.empty() ? 0 : kDiffers;
}

}  // namespace jitcorral::command
