// Columns instead of objects: a hundred thousand calls are some 5 MB then, and read at once.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "analyze/engines.h"
#include "show/advice.h"
#include "show/html.h"
#include "show/human.h"
#include "show/names.h"
#include "show/safe.h"

namespace jitcorral::show {
namespace {

// "name":[...], one number each.
template <typename Rows, typename Number>
void column(std::string& out, const char* name, const Rows& rows, Number number) {
  if (out.back() != '{') out += ',';
  fmt::format_to(std::back_inserter(out), "\"{}\":[", name);
  bool first = true;
  for (const auto& row : rows) {
    if (!first) out += ',';
    first = false;
    fmt::format_to(std::back_inserter(out), "{}", number(row));
  }
  out += ']';
}

template <typename Name, std::size_t kSize>
Json names(const Name (&all)[kSize]) {
  Json out = Json::array();
  for (const Name& name : all) out.push_back(std::string(name));
  return out;
}

Json vocabulary() {
  Json remedies = Json::array();
  for (std::size_t i = 0; i < static_cast<std::size_t>(PlaceFailure::kCount); ++i)
    remedies.push_back(std::string(remedy_of(static_cast<PlaceFailure>(i))));
  return {{"calls", names(kCallNames)},        {"outcomes", names(kOutcomeNames)},
          {"kinds", names(kKindNames)},        {"roles", names(kRoleNames)},
          {"passed", names(kPassReasonNames)}, {"failures", names(kPlaceFailureTexts)},
          {"remedies", std::move(remedies)},   {"unlisted", kUnlisted}};
}

std::string compact(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

// Where the libraries of the callers lie, as far as their calls tell: from the load address to the
// last call.
Json modules_of(const std::vector<model::Site>& sites) {
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> found;  // to the last address
  for (const model::Site& site : sites) {
    if (site.module.empty() || site.address < site.offset) continue;
    std::uint64_t& last = found[{site.module, site.address - site.offset}];
    last = std::max(last, site.address);
  }
  Json out = Json::array();
  for (const auto& [key, last] : found)
    out.push_back(Json{{"module", utf8(key.first)}, {"begin", key.second}, {"end", last}});
  return out;
}

Json range_of_two(AddressRange range) {
  if (range.empty()) return nullptr;
  return Json::array({range.begin.value, range.end.value});
}

class RunData {
 public:
  RunData(const Detailed& run, std::size_t most) : run_(run) {
    shown_calls_ = std::min(most, run.events.size());
    for (std::size_t i = 0; i < run.placements.callers.size(); ++i) {
      const analyze::Caller& c = run.placements.callers[i];
      known_.try_emplace({c.role, c.module, c.symbol, c.version}, i);
    }
    for (const model::Site& site : run.sites) {
      const auto at = known_.find({site.role, site.module, site.symbol, site.version});
      caller_[site.id] = at == known_.end() ? 0 : at->second;
    }
  }

  std::size_t shown_calls() const { return shown_calls_; }

  std::string text() {
    Json head = {{"id", run_.shown.run.id},
                 {"advice", advice(run_.shown)},
                 {"end", end_of(run_.shown.run)},
                 {"window", nullptr},
                 {"anchor", nullptr},
                 {"events", run_.events.size()},
                 {"gave_up", run_.placements.gave_up},
                 {"callers", callers()},
                 {"modules", modules_of(run_.sites)},
                 {"unseen", unseen()}};
    if (const auto& window = run_.shown.run.window) {
      head["window"] = range_of_two(window->range);
      head["anchor"] = range_of_two(window->anchor);
    }
    std::string out = compact(head);
    out.back() = ',';
    out += "\"calls\":{";
    calls(out);
    out += "},\"placements\":{";
    placements(out);
    out += "},\"farthest\":{";
    farthest(out);
    return out + "}}";
  }

 private:
  Json callers() const {
    Json out = Json::array();
    for (const analyze::Caller& c : run_.placements.callers)
      out.push_back(Json{{"role", static_cast<unsigned>(c.role)},
                         {"module", utf8(c.module)},
                         {"symbol", utf8(analyze::demangled(c.symbol))}});
    return out;
  }

  Json unseen() const {
    constexpr std::size_t kMost = 1000;
    Json out = Json::array();
    for (const model::Unseen& u : run_.unseen)
      if (out.size() < kMost)
        out.push_back(Json::array({u.range.begin.value, u.range.end.value, utf8(u.permissions)}));
    return out;
  }

  // Where in the columns of calls an event stands; -1: nowhere.
  std::int64_t index_of(const std::optional<std::uint64_t>& ticket) const {
    if (!ticket) return -1;
    const auto at = std::lower_bound(run_.events.begin(), run_.events.end(), *ticket,
                                     [](const Event& e, std::uint64_t t) { return e.ticket < t; });
    return at - run_.events.begin();
  }

  void calls(std::string& out) const {
    const std::span<const Event> events = std::span(run_.events).first(shown_calls_);
    // Events without a time (a seccomp filter forbade to ask) stand where the one before them does.
    std::uint64_t first = 0, last = 0;
    for (const Event& e : events)
      if (e.time != 0 && (first == 0 || e.time < first)) first = e.time;
    last = first;
    column(out, "ticket", events, [](const Event& e) { return e.ticket; });
    column(out, "time", events, [&](const Event& e) {
      last = std::max(last, e.time);
      return last - first;
    });
    column(out, "call", events, [](const Event& e) { return static_cast<unsigned>(e.call); });
    column(out, "outcome", events, [](const Event& e) { return static_cast<unsigned>(e.outcome); });
    column(out, "reason", events, [](const Event& e) { return static_cast<unsigned>(e.reason); });
    column(out, "address", events, [](const Event& e) { return e.address; });
    column(out, "length", events, [](const Event& e) { return e.length; });
    column(out, "other", events, [](const Event& e) { return e.other; });
    column(out, "prot", events, [](const Event& e) { return e.prot(); });
    column(out, "kind", events, [](const Event& e) { return static_cast<unsigned>(e.kind()); });
    column(out, "thread", events, [](const Event& e) { return e.tid(); });
    column(out, "error", events, [](const Event& e) { return e.error(); });
    column(out, "caller", events, [&](const Event& e) {
      const auto at = caller_.find(e.site);
      return at == caller_.end() ? std::size_t{0} : at->second;
    });
  }

  void placements(std::string& out) const {
    std::vector<const analyze::Placement*> all;
    const auto cut = static_cast<std::int64_t>(shown_calls_);
    for (const analyze::Placement& p : run_.placements.all)
      if (shown_calls_ == run_.events.size() || index_of(p.born) < cut) all.push_back(&p);
    using One = const analyze::Placement*;
    column(out, "begin", all, [](One p) { return p->range.begin.value; });
    column(out, "size", all, [](One p) { return p->range.size().count; });
    column(out, "born", all, [&](One p) { return index_of(p->born); });
    column(out, "died", all, [&](One p) { return index_of(p->died); });
    column(out, "caller", all, [](One p) { return p->caller; });
    column(out, "engine", all, [](One p) { return p->engine; });
    column(out, "kind", all, [](One p) { return static_cast<unsigned>(p->kind); });
    column(out, "outcome", all, [](One p) { return static_cast<unsigned>(p->outcome); });
    column(out, "jit", all, [](One p) { return p->of_jit ? 1 : 0; });
  }

  void farthest(std::string& out) const {
    const auto& all = run_.placements.farthest;
    using One = const analyze::Farthest&;
    column(out, "since", all, [&](One f) { return index_of(f.since); });
    column(out, "engine", all, [](One f) { return f.engine; });
    column(out, "distance", all,
           [](One f) { return f.distance ? static_cast<std::int64_t>(f.distance->count) : -1; });
  }

  const Detailed& run_;
  std::size_t shown_calls_ = 0;
  std::map<std::tuple<Role, std::string, std::string, std::string>, std::size_t> known_;
  std::map<std::uint32_t, std::size_t> caller_;  // Site::id to an index into callers
};

// What could end the block that the data stands in, or begin another.
std::string within_html(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<')
      out += "\\u003c";
    else if (c == '>')
      out += "\\u003e";
    else if (c == '&')
      out += "\\u0026";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string page_data(const model::Session* session, std::span<const Detailed> runs,
                      const PageOptions& options) {
  std::vector<Shown> shown;
  for (const Detailed& run : runs) shown.push_back(run.shown);
  Json head = {
      {"made", iso_utc(options.made)}, {"names", vocabulary()}, {"report", json(session, shown)}};
  std::string out = compact(head);
  out.back() = ',';
  out += "\"runs\":[";
  // The worst verdicts first, so that what does not fit is what matters least.
  std::vector<std::size_t> order(runs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return severity(shown[a].report.verdict) > severity(shown[b].report.verdict);
  });
  std::size_t left = options.most_calls;
  for (const std::size_t i : order) {
    RunData data(runs[i], left);
    if (out.back() != '[') out += ',';
    out += data.text();
    left -= data.shown_calls();
  }
  return within_html(out + "]}");
}

}  // namespace jitcorral::show
