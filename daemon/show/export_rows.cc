#include <algorithm>
#include <numeric>

#include "analyze/engines.h"
#include "show/export.h"
#include "show/human.h"
#include "show/names.h"
#include "show/safe.h"

namespace jitcorral::show {
namespace {

template <typename Value>
Json maybe(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(utf8(text));
}

// From the window to what it lies near: bytes between them.
Json gap_of(const model::WindowInfo& window) {
  if (window.anchor.empty()) return nullptr;
  if (window.range.end <= window.anchor.begin)
    return (window.anchor.begin - window.range.end).count;
  if (window.anchor.end <= window.range.begin)
    return (window.range.begin - window.anchor.end).count;
  return 0;
}

void add_counts(Row& row, const model::Run& run) {
  const auto count = [&](std::size_t i) {
    return run.counters ? Json((*run.counters)[i]) : Json(nullptr);
  };
  row.emplace_back("steered", count(ring::kSteered));
  row.emplace_back("fell_back", count(ring::kFellBack));
  row.emplace_back("failed", count(ring::kFailed));
  row.emplace_back("would_steer", count(ring::kWouldSteer));
  row.emplace_back("passed", run.counters
                                 ? Json(std::accumulate(run.counters->begin() + ring::kPassed,
                                                        run.counters->end(), std::uint64_t{}))
                                 : Json(nullptr));
  row.emplace_back("recorded", run.recorded);
  row.emplace_back("dropped", run.dropped);
  row.emplace_back("torn", run.torn);
}

// The names of the columns must outlive the rows.
struct ReachColumns {
  std::string_view worst, pairs, over, binds;
};
constexpr ReachColumns kReachColumns[] = {
    {"bl_worst", "bl_pairs", "bl_pairs_over", "bl_binds"},
    {"delta32_worst", "delta32_pairs", "delta32_pairs_over", "delta32_binds"},
    {"adrp_worst", "adrp_pairs", "adrp_pairs_over", "adrp_binds"}};
static_assert(std::size(kReachColumns) == std::size(analyze::kReported));

void add_reaches(Row& row, const analyze::Report& report) {
  for (std::size_t i = 0; i < std::size(kReachColumns); ++i) {
    const analyze::ReachUse& reach = report.reach[i];
    const bool there = reach.on_isa && reach.pairs > 0;
    row.emplace_back(kReachColumns[i].worst,
                     there && reach.worst ? Json(reach.worst->count) : Json(nullptr));
    row.emplace_back(kReachColumns[i].pairs, there ? reach.pairs : 0);
    row.emplace_back(kReachColumns[i].over, there ? reach.pairs_over : 0);
    row.emplace_back(kReachColumns[i].binds,
                     there ? Json(name_in(kBindsNames, reach.binds)) : Json(nullptr));
  }
}

Json reason_of(const Event& e) {
  if (e.outcome == Outcome::kPassed && e.reason < std::size(kPassReasonNames))
    return kPassReasonNames[e.reason];
  if (e.outcome == Outcome::kFellBack || e.outcome == Outcome::kFailed)
    return name_in(kPlaceFailureTexts, static_cast<PlaceFailure>(e.reason));
  return nullptr;
}

std::string prot_of(int prot) {
  return {prot & 1 ? 'r' : '-', prot & 2 ? 'w' : '-', prot & 4 ? 'x' : '-'};
}

// Where `address` lies as seen from `from`.
Json offset(std::uint64_t address, std::uint64_t from) {
  return static_cast<std::int64_t>(address - from);
}

}  // namespace

Row run_row(const Shown& shown, bool addresses) {
  const model::Run& run = shown.run;
  const bool loaded = run.state != model::RunState::kNotLoaded;
  const bool windowed = run.window && !run.window->range.empty();
  Row row;
  row.emplace_back("run", run.id);
  row.emplace_back("session", run.session);
  row.emplace_back("parent", maybe(run.parent));
  row.emplace_back("pid", run.pid);
  row.emplace_back("uid", maybe(run.uid));
  row.emplace_back("executable", utf8(run.executable));
  row.emplace_back("unit", text_or_null(run.unit));
  row.emplace_back("container", text_or_null(run.container));
  row.emplace_back("slurm_job", text_or_null(run.slurm_job));
  row.emplace_back("label", text_or_null(run.label));
  row.emplace_back("state", name_in(kStateNames, run.state));
  row.emplace_back("reason", text_or_null(run.reason));
  row.emplace_back("exit_code", maybe(run.exit_code));
  row.emplace_back("signal", maybe(run.signal));
  row.emplace_back("started", iso_utc(run.started));
  row.emplace_back("ended", run.ended ? Json(iso_utc(*run.ended)) : Json(nullptr));
  row.emplace_back("duration_ns", run.ended ? Json(*run.ended - run.started) : Json(nullptr));
  row.emplace_back("isa", name_in(kIsaNames, run.isa));
  row.emplace_back("page_size", run.page_size);
  row.emplace_back("policy", loaded ? Json(name_in(kModeNames, run.mode)) : Json(nullptr));
  row.emplace_back("near", loaded ? Json(name_in(kNearNames, run.near)) : Json(nullptr));
  row.emplace_back("shim", text_or_null(run.version));
  row.emplace_back("verdict", name_in(analyze::kVerdictNames, shown.report.verdict));
  row.emplace_back("window_size", windowed ? Json(run.window->range.size().count) : Json(nullptr));
  row.emplace_back("anchor_distance", windowed ? gap_of(*run.window) : Json(nullptr));
  add_counts(row, run);
  add_reaches(row, shown.report);
  if (!addresses) return row;
  const auto address = [&](Address a) { return windowed ? Json(hex(a)) : Json(nullptr); };
  const model::WindowInfo window = run.window.value_or(model::WindowInfo{});
  row.emplace_back("window_begin", address(window.range.begin));
  row.emplace_back("window_end", address(window.range.end));
  row.emplace_back("anchor_begin", address(window.anchor.begin));
  row.emplace_back("anchor_end", address(window.anchor.end));
  row.emplace_back("because", utf8(shown.report.because));
  return row;
}

EventRows::EventRows(const model::Record& record, bool addresses)
    : record_(record), addresses_(addresses) {
  for (const Event& e : record.events) {
    if (first_time_ == 0) first_time_ = e.time;
    if (first_address_ == 0) first_address_ = e.address;
  }
}

const model::Site* EventRows::site_of(const Event& e) const {
  const auto at = std::find_if(record_.sites.begin(), record_.sites.end(),
                               [&](const model::Site& s) { return s.id == e.site; });
  return at == record_.sites.end() ? nullptr : &*at;
}

Row EventRows::row(const Event& e) const {
  const model::Site* const site = site_of(e);
  const auto& window = record_.run.window;
  const bool windowed = window && !window->range.empty() && e.address != 0;
  Row row;
  row.emplace_back("run", record_.run.id);
  row.emplace_back("pid", record_.run.pid);
  row.emplace_back("ticket", e.ticket);
  row.emplace_back("time_ns", e.time != 0 ? offset(e.time, first_time_) : Json(nullptr));
  row.emplace_back("thread", e.tid() != 0 ? Json(e.tid()) : Json(nullptr));
  row.emplace_back("call", name_in(kCallNames, e.call));
  row.emplace_back("outcome", name_in(kOutcomeNames, e.outcome));
  row.emplace_back("reason", reason_of(e));
  row.emplace_back("error", e.error() != 0 ? Json(e.error()) : Json(nullptr));
  row.emplace_back("length", e.length);
  row.emplace_back("prot", prot_of(e.prot()));
  row.emplace_back("kind", name_in(kKindNames, e.kind()));
  row.emplace_back("flags", e.flags);
  row.emplace_back("engine", site ? Json(name_in(kRoleNames, site->role)) : Json(nullptr));
  row.emplace_back("module", site ? text_or_null(site->module) : Json(nullptr));
  row.emplace_back("symbol", site ? text_or_null(analyze::demangled(site->symbol)) : Json(nullptr));
  row.emplace_back("module_offset", site ? Json(site->offset) : Json(nullptr));
  row.emplace_back("offset", e.address != 0 ? offset(e.address, first_address_) : Json(nullptr));
  row.emplace_back("window_offset",
                   windowed ? offset(e.address, window->range.begin.value) : Json(nullptr));
  if (!addresses_) return row;
  row.emplace_back("address", hex(Address{e.address}));
  row.emplace_back("other", hex(Address{e.other}));
  row.emplace_back("site_address", site ? Json(hex(Address{site->address})) : Json(nullptr));
  row.emplace_back("fingerprint", hex(Address{e.fingerprint}));
  return row;
}

}  // namespace jitcorral::show
