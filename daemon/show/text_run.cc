#include "show/text_run.h"

#include <fmt/format.h>

#include <numeric>

#include "show/advice.h"
#include "show/human.h"
#include "show/names.h"
#include "show/safe.h"

namespace jitcorral::show {
namespace {

std::string about(const model::Run& run) {
  std::string text = fmt::format("{}, pid {}", name_of(run), run.pid);
  if (run.parent) text += fmt::format(", forked from run {}", *run.parent);
  if (run.isa != Isa::kUnknown) text += fmt::format(", {}", name_in(kIsaNames, run.isa));
  if (run.state != model::RunState::kNotLoaded)
    text += fmt::format(", policy {}", name_in(kModeNames, run.mode));
  const std::string end = end_of(run);
  if (!end.empty()) text += ", " + end;
  if (run.ended) text += " after " + duration_of(*run.ended - run.started);
  return text;
}

std::string window_of(const model::Run& run) {
  if (!run.window || run.window->range.empty()) {
    if (run.mode == Mode::kScatter) return "none: scatter places far apart";
    return run.mode == Mode::kObserve ? "none: observe never steers" : "none was opened";
  }
  const model::WindowInfo& window = *run.window;
  std::string text = fmt::format("{} at {}", size_of(window.range.size()), hex(window.range));
  if (!window.reserved) text += ", not reserved";
  if (!window.anchor.empty()) text += fmt::format(", near {}", hex(window.anchor));
  return text;
}

// What was seen of it, if the process could not say.
std::string counts_of(const model::Run& run) {
  const std::string dropped =
      run.dropped == 0 ? "" : ", " + counted(run.dropped, "event") + " dropped";
  if (!run.counters) {
    if (!run.has_ring) return "unknown: nothing was recorded";
    return "unknown: the process ended before it could say; " + counted(run.recorded, "event") +
           " recorded" + dropped;
  }
  const model::Counters& c = *run.counters;
  const std::uint64_t passed = std::accumulate(c.begin() + ring::kPassed, c.end(), std::uint64_t{});
  std::string text = fmt::format("{} steered, {} fell back", count_of(c[ring::kSteered]),
                                 count_of(c[ring::kFellBack]));
  if (c[ring::kFailed] != 0)
    text += fmt::format(", {} refused with ENOMEM", count_of(c[ring::kFailed]));
  if (c[ring::kWouldSteer] != 0 || run.mode == Mode::kObserve)
    text += fmt::format(", {} would be steered", count_of(c[ring::kWouldSteer]));
  text += fmt::format(", {} passed", count_of(passed));
  std::string reasons;
  for (std::size_t i = ring::kPassed; i < c.size(); ++i) {
    if (c[i] == 0) continue;
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ",
                           kPassReasonNames[i - ring::kPassed], count_of(c[i]));
  }
  if (!reasons.empty()) text += " (" + reasons + ")";
  return text + dropped;
}

// What it belongs to, where a daemon recorded it.
std::string service_of(const model::Run& run) {
  std::string text;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  };
  add("unit", run.unit);
  add("container", run.container);
  add("SLURM job", run.slurm_job);
  add("label", run.label);
  return text;
}

std::string fallbacks_section(const Shown& shown, const TextOptions& options) {
  if (shown.report.fallbacks.empty()) return {};
  std::string out = '\n' + std::string("  ") +
                    paint(options.colour, Colour::kTitle, "fell back, and what to set") + '\n';
  for (const analyze::Report::Fallback& fallback : shown.report.fallbacks) {
    out += wrapped("    ",
                   fmt::format("{}, {}, the largest {}: {}", counted(fallback.calls, "call"),
                               size_of(fallback.bytes), size_of(fallback.largest),
                               name_in(kPlaceFailureTexts, fallback.reason)),
                   options.width);
    if (const std::string_view remedy = remedy_of(fallback.reason); !remedy.empty())
      out += wrapped("      ", remedy, options.width);
  }
  return out;
}

std::string blind_section(const Shown& shown, const TextOptions& options) {
  if (shown.report.blind.empty()) return {};
  std::string out =
      '\n' + std::string("  ") + paint(options.colour, Colour::kTitle, "not seen") + '\n';
  for (const std::string& blind : shown.report.blind)
    out += wrapped("    - ", blind, options.width);
  return out;
}

}  // namespace

Colour colour_of(analyze::Verdict verdict) {
  switch (verdict) {
    case analyze::Verdict::kWithinReach:
    case analyze::Verdict::kNoJit:
      return Colour::kGood;
    case analyze::Verdict::kAtRisk:
    case analyze::Verdict::kOutOfReach:
      return Colour::kBad;
    default:
      return Colour::kDoubt;
  }
}

std::string name_of(const model::Run& run) {
  if (run.executable.empty()) return fmt::format("pid {}", run.pid);
  return std::string(basename_of(run.executable));
}

std::string counter_of(const model::Run& run, std::size_t which) {
  return run.counters ? count_of((*run.counters)[which]) : "?";
}

std::string run_section(const Shown& shown, const TextOptions& options) {
  const model::Run& run = shown.run;
  const std::string head = run.id == 0 ? "process " : fmt::format("run {}  ", run.id);
  std::string out = wrapped(head, about(run), options.width);
  out.replace(0, head.size(), paint(options.colour, Colour::kTitle, head));
  if (!run.executable.empty()) out += wrapped("  exe     ", run.executable, options.width);
  if (const std::string service = service_of(run); !service.empty())
    out += wrapped("  of      ", service, options.width);
  if (!run.reason.empty()) out += wrapped("  note    ", run.reason, options.width);
  if (run.state != model::RunState::kNotLoaded) {
    out += wrapped("  window  ", window_of(run), options.width);
    out += wrapped("  counts  ", counts_of(run), options.width);
  }
  out += engines_section(shown, options);
  out += reach_section(shown, options);
  out += fallbacks_section(shown, options);
  out += blind_section(shown, options);
  return out;
}

}  // namespace jitcorral::show
