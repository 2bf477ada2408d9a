#include "analyze/placements.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "analyze/pairs.h"

namespace jitcorral::analyze {
namespace {

// As engines_of groups callers: those learned later belong to who was not known before.
Role grouped(Role role) {
  return role == Role::kLearned ? Role::kNone : role;
}

// What of one engine is there at one moment.
class Present {
 public:
  void change(const Extent& extent, bool birth) {
    edit(begins_, extent.range.begin.value, birth);
    edit(ends_, extent.range.end.value, birth);
    if (!extent.ever_executable) return;
    edit(code_begins_, extent.range.begin.value, birth);
    edit(code_ends_, extent.range.end.value, birth);
  }
  std::optional<Bytes> farthest() const {
    if (begins_.size() < 2 || code_begins_.empty()) return std::nullopt;
    const std::uint64_t above = *ends_.rbegin() - *code_begins_.begin();
    const std::uint64_t below = *code_ends_.rbegin() - *begins_.begin();
    return Bytes{std::max(above, below) - 1};
  }

 private:
  using Addresses = std::multiset<std::uint64_t>;
  static void edit(Addresses& set, std::uint64_t value, bool add) {
    if (add)
      set.insert(value);
    else if (const auto at = set.find(value); at != set.end())
      set.erase(at);
  }
  Addresses begins_, ends_, code_begins_, code_ends_;
};

std::vector<Farthest> farthest_of(const History& history, const std::vector<Placement>& all) {
  struct Change {
    Step step;
    bool birth;  // at one step what goes, goes first
    std::size_t extent;
  };
  const std::vector<Extent>& extents = history.space.extents();
  std::vector<Change> changes;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (!all[i].of_jit || all[i].engine == kNoEngine) continue;
    changes.push_back({extents[i].born, true, i});
    if (!extents[i].live()) changes.push_back({extents[i].died, false, i});
  }
  std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
    return a.step != b.step ? a.step < b.step : !a.birth && b.birth;
  });
  std::map<std::int32_t, Present> present;
  std::map<std::int32_t, std::optional<Bytes>> last;
  std::vector<Farthest> out;
  for (std::size_t i = 0; i < changes.size();) {
    const Step step = changes[i].step;
    std::set<std::int32_t> touched;
    for (; i < changes.size() && changes[i].step == step; ++i) {
      const std::int32_t engine = all[changes[i].extent].engine;
      present[engine].change(extents[changes[i].extent], changes[i].birth);
      touched.insert(engine);
    }
    for (const std::int32_t engine : touched) {
      const std::optional<Bytes> now = present[engine].farthest();
      if (std::exchange(last[engine], now) == now) continue;
      std::optional<std::uint64_t> since;
      if (step > 0 && step <= history.tickets.size()) since = history.tickets[step - 1];
      out.push_back({since, engine, now});
    }
  }
  return out;
}

}  // namespace

Placements placements_of(const model::Record& record, const Report& report) {
  History history = replay(record);
  Placements out;
  out.gave_up = history.gave_up;
  std::map<std::pair<Role, std::string>, std::int32_t> engines;
  for (std::size_t i = 0; i < report.engines.size(); ++i)
    engines[{grouped(report.engines[i].role), report.engines[i].module}] =
        static_cast<std::int32_t>(i);
  const auto ticket_of = [&](Step step) -> std::optional<std::uint64_t> {
    if (step == 0 || step > history.tickets.size()) return std::nullopt;
    return history.tickets[step - 1];
  };
  for (const Extent& extent : history.space.extents()) {
    const Mapping& mapping = history.mappings[extent.mapping];
    const Caller& caller = history.callers[mapping.caller];
    Placement placement;
    placement.range = extent.range;
    placement.born = ticket_of(extent.born);
    placement.died = extent.live() ? std::nullopt : ticket_of(extent.died);
    placement.caller = mapping.caller;
    placement.kind = kind_of(extent);
    placement.outcome = mapping.outcome;
    placement.of_jit = mapping.of_jit || (extent.ever_executable && !mapping.of_file);
    if (placement.of_jit || caller.role != Role::kNone)
      if (const auto at = engines.find({grouped(caller.role), caller.module}); at != engines.end())
        placement.engine = at->second;
    out.all.push_back(placement);
  }
  out.farthest = farthest_of(history, out.all);
  out.callers = std::move(history.callers);
  return out;
}

const Caller* caller_of(const Placements& placements, AddressRange range) {
  const auto at = std::find_if(placements.all.begin(), placements.all.end(),
                               [&](const auto& p) { return p.of_jit && p.range == range; });
  return at == placements.all.end() ? nullptr : &placements.callers[at->caller];
}

}  // namespace jitcorral::analyze
