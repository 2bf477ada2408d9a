#include "analyze/verdict.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "analyze/blind.h"
#include "jitcorral/ring.h"

namespace jitcorral::analyze {
namespace {

std::string name_of(ReachKind kind) {
  for (const Reach& r : kReaches)
    if (r.kind == kind) return r.name;
  return "?";
}

std::string plural(std::uint64_t n, const char* noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

struct Finding {
  const EngineUse* engine = nullptr;
  const ReachUse* reach = nullptr;
};

// The pair that most likely breaks something: one that binds for certain before one that may, then
// the one farthest beyond its limit.
Finding worst_beyond(const Report& report) {
  Finding found;
  const auto excess = [](const ReachUse& r) {
    return static_cast<double>(r.worst->count) / static_cast<double>(r.limit.count);
  };
  for (const EngineUse& engine : report.engines) {
    for (const ReachUse& reach : engine.reach) {
      if (!reach.on_isa || reach.pairs_over == 0 || reach.binds == Binds::kNo || !reach.worst)
        continue;
      if (found.reach == nullptr || found.reach->binds < reach.binds ||
          (found.reach->binds == reach.binds && excess(*found.reach) < excess(reach)))
        found = {&engine, &reach};
    }
  }
  return found;
}

// All its code lies in mappings that are never steered: an allocator linked into the host, such as
// mimalloc, places its arenas by hints and feeds the engine from them.
bool is_out_of_our_hands(const EngineUse& engine) {
  std::uint64_t passed = 0, of_ours = 0;
  for (const CallerUse& use : engine.callers) {
    if (use.kind != Kind::kCode) continue;
    passed += use.passed;
    of_ours += use.steered + use.fell_back + use.would_steer;
  }
  return passed > 0 && of_ours == 0;
}

std::string sentence(const Finding& f) {
  const bool to_code = f.reach->worst_pair && f.reach->worst_pair->to_kind == Kind::kCode;
  return f.engine->name + ": " + (to_code ? "code and code " : "code and data ") +
         text_of(*f.reach->worst) + " apart, beyond " + name_of(f.reach->kind) + " (" +
         text_of(f.reach->limit) + "), which " +
         (f.reach->binds == Binds::kYes ? "binds" : "may bind") +
         (is_out_of_our_hands(*f.engine)
              ? "; that code can't be moved: its mapping has a hint, or is too large or excluded"
              : "");
}

std::string sentence(const std::vector<Report::Fallback>& fallbacks, std::uint64_t counted) {
  if (fallbacks.empty())
    return plural(counted, "call") + " of a JIT fell back: not placed inside the window";
  const Report::Fallback& most = fallbacks.front();
  std::uint64_t calls = 0;
  for (const Report::Fallback& f : fallbacks) calls += f.calls;
  return plural(calls, "call") +
         " of a JIT fell back: " + std::string(name_in(kPlaceFailureTexts, most.reason)) +
         " (largest " + text_of(most.largest) + ")";
}

// An engine that mapped as for code and never ran any.
const EngineUse* interpreter(const Report& report) {
  for (const EngineUse& engine : report.engines)
    if (!engine.any_executable && engine.never_executable > 0) return &engine;
  return nullptr;
}

std::string sentence(const EngineUse& never) {
  return never.name + ": " + plural(never.never_executable, "mapping") + " (" +
         text_of(never.never_executable_bytes) +
         ") never became executable: the host may have gone to its interpreter";
}

std::string within_reach(const Report& report) {
  if (const EngineUse* never = interpreter(report)) return sentence(*never);
  for (const EngineUse& engine : report.engines)
    for (const ReachUse& reach : engine.reach)
      if (reach.on_isa && reach.pairs_over > 0 && reach.worst)
        return engine.name + ": " + text_of(*reach.worst) + " apart, beyond " +
               name_of(reach.kind) + ", which does not bind: " + reach.why;
  std::optional<Bytes> worst;
  for (const ReachUse& reach : report.reach)
    if (reach.on_isa && reach.worst && (!worst || *worst < *reach.worst)) worst = reach.worst;
  if (!worst) return "no two mappings of an engine had to reach each other";
  return "all mappings of each engine lay within reach, at most " + text_of(*worst) + " apart";
}

}  // namespace

std::string text_of(Bytes bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes.count < 1024) return plural(bytes.count, "byte");
  double value = static_cast<double>(bytes.count) / 1024;
  std::size_t unit = 0;
  // What would be written as 1024 of a unit is 1 of the next.
  for (; value >= 1023.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", value < 9.95 ? 1 : 0, value);
  std::string number(text);
  if (number.ends_with(".0")) number.resize(number.size() - 2);
  return number + ' ' + kUnits[unit];
}

void judge(const model::Record& record, const History& history, Report& report) {
  Blind blind = blind_of(record, history);
  const std::uint64_t counted = record.run.counters ? (*record.run.counters)[ring::kFellBack] : 0;
  const Finding finding = worst_beyond(report);
  if (finding.reach != nullptr) {
    report.verdict = Verdict::kAtRisk;
    report.because = sentence(finding);
  } else if (!report.fallbacks.empty() || counted > 0) {
    report.verdict = Verdict::kAtRisk;
    report.because = sentence(report.fallbacks, counted);
  } else if (!blind.hides.empty()) {
    report.verdict = Verdict::kUnknown;
    report.because = blind.hides.front();
  } else if (report.engines.empty()) {
    report.verdict = Verdict::kNoJit;
    report.because = "no JIT was at work: nobody mapped memory for code";
  } else {
    report.verdict = Verdict::kWithinReach;
    report.because = within_reach(report);
  }
  report.blind = std::move(blind.hides);
  report.blind.insert(report.blind.end(), blind.soft.begin(), blind.soft.end());
  const EngineUse* never = interpreter(report);
  if (never != nullptr && report.because.find("never became executable") == std::string::npos)
    report.blind.push_back(sentence(*never));
}

}  // namespace jitcorral::analyze
