#include <numeric>

#include "show/human.h"
#include "show/names.h"
#include "show/safe.h"
#include "show/show.h"

namespace jitcorral::show {
namespace {

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json time_or_null(const std::optional<model::WallTime>& time) {
  return time ? Json(iso_utc(*time)) : Json(nullptr);
}

Json range_or_null(AddressRange range) {
  if (range.empty()) return nullptr;
  return {{"begin", hex(range.begin)}, {"end", hex(range.end)}};
}

Json of(const model::Session& session) {
  return {{"id", session.id},
          {"started", iso_utc(session.started)},
          {"ended", time_or_null(session.ended)},
          {"command", utf8(session.command)},
          {"host", utf8(session.host)},
          {"version", utf8(session.version)},
          {"status", or_null(session.status)}};
}

Json window_of(const model::Run& run) {
  if (!run.window || run.window->range.empty()) return nullptr;
  return {{"base", hex(run.window->range.begin)},
          {"size", run.window->range.size().count},
          {"anchor", range_or_null(run.window->anchor)},
          {"reserved", run.window->reserved}};
}

Json counts_of(const model::Run& run) {
  if (!run.counters) return nullptr;
  const model::Counters& c = *run.counters;
  Json reasons = Json::object();
  for (std::size_t i = ring::kPassed; i < c.size(); ++i)
    reasons[kPassReasonNames[i - ring::kPassed]] = c[i];
  return {{"steered", c[ring::kSteered]},
          {"passed", std::accumulate(c.begin() + ring::kPassed, c.end(), std::uint64_t{})},
          {"fellback", c[ring::kFellBack]},
          {"failed", c[ring::kFailed]},
          {"wouldsteer", c[ring::kWouldSteer]},
          {"givenback", c[ring::kGivenBack]},
          {"dropped", run.dropped},
          {"passed_reasons", reasons}};
}

Json record_of(const model::Run& run) {
  return {{"recorded", run.recorded},     {"position", run.position},
          {"dropped", run.dropped},       {"torn", run.torn},
          {"texts_lost", run.texts_lost}, {"filter_arrived", run.filter_arrived},
          {"samples", run.samples}};
}

Json pair_or_null(const std::optional<analyze::Pair>& pair) {
  if (!pair) return nullptr;
  return {{"from", range_or_null(pair->from)},
          {"to", range_or_null(pair->to)},
          {"to_kind", name_in(kKindNames, pair->to_kind)},
          {"ticket", pair->ticket}};
}

Json of(const std::array<analyze::ReachUse, std::size(analyze::kReported)>& reaches) {
  Json out = Json::object();
  for (std::size_t i = 0; i < reaches.size(); ++i) {
    const analyze::ReachUse& reach = reaches[i];
    out[kReaches[static_cast<std::size_t>(analyze::kReported[i])].name] = {
        {"limit", reach.limit.count},
        {"worst", reach.worst ? Json(reach.worst->count) : Json(nullptr)},
        {"pairs", reach.pairs},
        {"pairs_over", reach.pairs_over},
        {"binds", name_in(kBindsNames, reach.binds)},
        {"why", utf8(reach.why)},
        {"on_isa", reach.on_isa},
        {"worst_pair", pair_or_null(reach.worst_pair)}};
  }
  return out;
}

Json of(const analyze::CallerUse& caller) {
  return {{"module", utf8(caller.module)},
          {"symbol", utf8(caller.symbol)},
          {"kind", name_in(kKindNames, caller.kind)},
          {"mappings", caller.mappings},
          {"live", caller.live},
          {"bytes", caller.bytes.count},
          {"live_bytes", caller.live_bytes.count},
          {"span", range_or_null(caller.span)},
          {"span_bytes", caller.span.size().count},
          {"steered", caller.steered},
          {"fellback", caller.fell_back},
          {"passed", caller.passed},
          {"wouldsteer", caller.would_steer}};
}

Json of(const analyze::EngineUse& engine) {
  Json callers = Json::array();
  for (const analyze::CallerUse& caller : engine.callers) callers.push_back(of(caller));
  return {{"role", name_in(kRoleNames, engine.role)},
          {"name", utf8(engine.name)},
          {"module", utf8(engine.module)},
          {"version", engine.version.empty() ? Json(nullptr) : Json(utf8(engine.version))},
          {"callers", callers},
          {"reach", of(engine.reach)},
          {"never_executable", engine.never_executable},
          {"never_executable_bytes", engine.never_executable_bytes.count},
          {"any_executable", engine.any_executable}};
}

Json of(const Shown& shown) {
  const model::Run& run = shown.run;
  const bool loaded = run.state != model::RunState::kNotLoaded;
  Json engines = Json::array(), fallbacks = Json::array(), blind = Json::array();
  for (const analyze::EngineUse& engine : shown.report.engines) engines.push_back(of(engine));
  for (const analyze::Report::Fallback& fallback : shown.report.fallbacks)
    fallbacks.push_back(Json{{"reason", name_in(kPlaceFailureTexts, fallback.reason)},
                             {"calls", fallback.calls},
                             {"bytes", fallback.bytes.count},
                             {"largest", fallback.largest.count}});
  for (const std::string& clause : shown.report.blind) blind.push_back(utf8(clause));
  // What a process that never loaded the shim would have had for policy, nobody knows.
  return {{"id", run.id},
          {"parent", or_null(run.parent)},
          {"pid", run.pid},
          {"state", name_in(kStateNames, run.state)},
          {"reason", utf8(run.reason)},
          {"exe", utf8(run.executable)},
          {"policy", loaded ? Json(name_in(kModeNames, run.mode)) : Json(nullptr)},
          {"near", loaded ? Json(name_in(kNearNames, run.near)) : Json(nullptr)},
          {"isa", name_in(kIsaNames, run.isa)},
          {"shim", run.version.empty() ? Json(nullptr) : Json(utf8(run.version))},
          {"page_size", run.page_size},
          {"started", iso_utc(run.started)},
          {"ended", time_or_null(run.ended)},
          {"exit", {{"code", or_null(run.exit_code)}, {"signal", or_null(run.signal)}}},
          {"verdict", name_in(analyze::kVerdictNames, shown.report.verdict)},
          {"because", utf8(shown.report.because)},
          {"blind", blind},
          {"window", window_of(run)},
          {"counts", counts_of(run)},
          {"record", record_of(run)},
          {"reach", of(shown.report.reach)},
          {"engines", engines},
          {"fallbacks", fallbacks},
          {"uid", or_null(run.uid)},
          {"unit", utf8(run.unit)},
          {"container", utf8(run.container)},
          {"slurm_job", utf8(run.slurm_job)},
          {"label", utf8(run.label)}};
}

// Of a run in a listing: what the database itself says.
Json brief(const model::Run& run) {
  const bool loaded = run.state != model::RunState::kNotLoaded;
  return {{"id", run.id},
          {"pid", run.pid},
          {"state", name_in(kStateNames, run.state)},
          {"reason", utf8(run.reason)},
          {"exe", utf8(run.executable)},
          {"policy", loaded ? Json(name_in(kModeNames, run.mode)) : Json(nullptr)},
          {"unit", utf8(run.unit)},
          {"label", utf8(run.label)},
          {"started", iso_utc(run.started)},
          {"ended", time_or_null(run.ended)},
          {"exit", {{"code", or_null(run.exit_code)}, {"signal", or_null(run.signal)}}},
          {"verdict", run.verdict.empty() ? Json(nullptr) : Json(utf8(run.verdict))},
          {"counts", counts_of(run)}};
}

}  // namespace

Json json(const model::Session* session, std::span<const Shown> runs) {
  const Shown* const first = worst(runs);
  const analyze::Verdict verdict = first ? first->report.verdict : analyze::Verdict::kUnknown;
  Json out = {{"jitcorral", JITCORRAL_VERSION},
              {"verdict", name_in(analyze::kVerdictNames, verdict)},
              {"session", session != nullptr ? of(*session) : Json(nullptr)},
              {"blind", session != nullptr ? Json::array({kUnlisted}) : Json::array()},
              {"runs", Json::array()}};
  for (const Shown& shown : runs) out["runs"].push_back(of(shown));
  return out;
}

Json listing_json(std::span<const Listed> sessions) {
  Json out = {{"jitcorral", JITCORRAL_VERSION}, {"sessions", Json::array()}};
  for (const Listed& listed : sessions) {
    Json session = of(listed.session);
    session["recorded_by"] = listed.by_daemon ? "daemon" : "run";
    session["runs"] = Json::array();
    for (const model::Run& run : listed.runs) session["runs"].push_back(brief(run));
    out["sessions"].push_back(session);
  }
  return out;
}

std::string dump(const Json& json) {
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + '\n';
}

}  // namespace jitcorral::show
