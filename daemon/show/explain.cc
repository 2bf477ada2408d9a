#include "show/explain.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include "analyze/engines.h"
#include "show/advice.h"
#include "show/human.h"
#include "show/names.h"
#include "show/relocations.h"

namespace jitcorral::show {
namespace {

Answer answer_of(analyze::Verdict verdict) {
  switch (verdict) {
    case analyze::Verdict::kWithinReach:
    case analyze::Verdict::kNoJit:
      return Answer::kRuledOut;
    case analyze::Verdict::kAtRisk:
    case analyze::Verdict::kOutOfReach:
      return Answer::kCanBe;
    default:
      return Answer::kUnknown;
  }
}

bool any_over(const analyze::Report& report) {
  return std::any_of(report.reach.begin(), report.reach.end(),
                     [](const analyze::ReachUse& r) { return r.on_isa && r.pairs_over > 0; });
}

std::string headline_of(const Detailed& run, const std::vector<BeyondReach>& beyond) {
  const analyze::Report& report = run.shown.report;
  switch (answer_of(report.verdict)) {
    case Answer::kRuledOut:
      if (report.verdict == analyze::Verdict::kNoJit)
        return "placement ruled out: no JIT was at work";
      return any_over(report) ? "placement ruled out: no pair that must reach lay out of reach"
                              : "placement ruled out: every pair within reach";
    case Answer::kCanBe:
      return beyond.empty() ? "placement can be the cause: calls of a JIT were not placed"
             : beyond.front().binds == Binds::kYes
                 ? "placement can be the cause: a pair lay beyond a reach that binds"
                 : "placement can be the cause: a pair lay beyond a reach that may bind";
    default:
      return "not known whether placement is the cause: something was not seen";
  }
}

// What kind of end this is, as far as placement is concerned.
std::string ended_of(const model::Run& run) {
  std::string text = end_of(run);
  if (text.empty()) text = "nobody knows how";
  if (run.ended) text += " after " + duration_of(*run.ended - run.started);
  if (run.state == model::RunState::kRunning)
    return text + ": what is said here is of what was recorded so far";
  if (!run.signal) {
    if (run.exit_code == 0) return text + ": nothing crashed";
    return run.exit_code
               ? text + ": it ended by itself, which an engine's own check of a reach can also do"
               : text;
  }
  switch (*run.signal) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGTRAP:
      return text + ": as a reference that misses its target ends, among many other errors";
    case SIGABRT:
      return text + ": as an engine's own check of a reach ends (assertion, panic), among others";
    case SIGKILL:
    case SIGTERM:
    case SIGINT:
    case SIGHUP:
      return text +
             ": sent from outside (a person, a limit, the out-of-memory killer), "
             "not by a reference that misses";
    default:
      return text;
  }
}

Side side_of(const Detailed& run, AddressRange range, Kind kind) {
  Side side{range, std::string(name_in(kKindNames, kind)), {}, {}};
  if (const analyze::Caller* caller = analyze::caller_of(run.placements, range)) {
    side.module = caller->module;
    side.symbol = analyze::demangled(caller->symbol);
  }
  return side;
}

std::vector<BeyondReach> beyond_of(const Detailed& run) {
  std::vector<BeyondReach> all;
  for (const analyze::EngineUse& engine : run.shown.report.engines) {
    for (const analyze::ReachUse& reach : engine.reach) {
      if (!reach.on_isa || reach.pairs_over == 0 || reach.binds == Binds::kNo || !reach.worst)
        continue;
      BeyondReach one;
      one.engine = engine.name;
      one.reach = kReaches[static_cast<std::size_t>(reach.kind)].name;
      one.limit = reach.limit;
      one.distance = *reach.worst;
      one.pairs = reach.pairs;
      one.over = reach.pairs_over;
      one.binds = reach.binds;
      one.why = reach.why;
      one.relocations = relocations_of(engine.role, run.shown.run.isa, reach.kind);
      if (reach.worst_pair) {
        one.from = side_of(run, reach.worst_pair->from, Kind::kCode);
        one.to = side_of(run, reach.worst_pair->to, reach.worst_pair->to_kind);
        one.ticket = reach.worst_pair->ticket;
      }
      all.push_back(std::move(one));
    }
  }
  const auto excess = [](const BeyondReach& b) {
    return static_cast<double>(b.distance.count) / static_cast<double>(b.limit.count);
  };
  std::stable_sort(all.begin(), all.end(), [&](const BeyondReach& a, const BeyondReach& b) {
    return a.binds != b.binds ? b.binds < a.binds : excess(b) < excess(a);
  });
  return all;
}

std::vector<std::string> evidence_of(const Detailed& run) {
  const analyze::Report& report = run.shown.report;
  std::vector<std::string> all;
  for (const analyze::ReachUse& reach : report.reach) {
    if (!reach.on_isa || reach.pairs == 0 || !reach.worst) continue;
    const std::string farthest = size_of(*reach.worst);
    all.push_back(fmt::format("{}: {} counted, {} beyond the limit of {}; the farthest {}",
                              kReaches[static_cast<std::size_t>(reach.kind)].name,
                              counted(reach.pairs, "pair"), count_of(reach.pairs_over),
                              size_of(reach.limit), farthest));
  }
  if (report.engines.empty())
    all.push_back("nobody mapped memory for code");
  else if (all.empty())
    all.push_back("no two mappings of one engine were there at the same time");
  const model::Run& recorded = run.shown.run;
  if (recorded.state != model::RunState::kNotLoaded)
    all.push_back(fmt::format(
        "{} recorded, {} dropped, {} torn; the list of mappings was looked at {}",
        counted(recorded.recorded, "call"), count_of(recorded.dropped), count_of(recorded.torn),
        recorded.samples == 1 ? "once" : counted(recorded.samples, "time")));
  return all;
}

}  // namespace

Explanation explain(const Detailed& run) {
  const analyze::Report& report = run.shown.report;
  Explanation out;
  out.answer = answer_of(report.verdict);
  out.because = report.because;
  out.ended = ended_of(run.shown.run);
  out.beyond = beyond_of(run);
  out.headline = headline_of(run, out.beyond);
  out.evidence = evidence_of(run);
  if (out.answer == Answer::kCanBe && out.beyond.empty() && !any_over(report))
    out.evidence.push_back(
        "every pair was within reach all the same: another run may not have that luck");
  if (!out.beyond.empty() && out.beyond.front().binds == Binds::kMaybe)
    out.unknown.push_back(
        "whether this code has such references: placements show where things "
        "lie, not how code refers to them");
  out.unknown.insert(out.unknown.end(), report.blind.begin(), report.blind.end());
  // "... below names what to set" is of the report; here it follows at once.
  if (std::string next = advice(run.shown); !next.starts_with("'fell back'"))
    out.next.push_back(std::move(next));
  for (const analyze::Report::Fallback& fallback : report.fallbacks)
    if (const std::string_view remedy = remedy_of(fallback.reason); !remedy.empty())
      out.next.push_back(fmt::format("{} ({}): {}", name_in(kPlaceFailureTexts, fallback.reason),
                                     counted(fallback.calls, "call"), remedy));
  return out;
}

}  // namespace jitcorral::show
