#include "analyze/engines.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include "analyze/pairs.h"
#include "jitcorral/glob.h"

namespace jitcorral::analyze {
namespace {

// What the pieces of one mapping became together: bits 0-4 by Kind.
struct Becoming {
  std::uint8_t kinds = 0;
  std::uint8_t live_kinds = 0;
  bool executable = false, read_only = false, writable = false;
  Bytes bytes{};  // of the pieces that are not counted elsewhere after a move
};

struct Gathering {
  EngineUse use;
  std::vector<const Extent*> of_jit;
  std::map<std::pair<std::string, Kind>, CallerUse> callers;  // by mangled symbol
};

// Callers that were not known from the beginning may have been learned later: one engine.
Role grouped(Role role) {
  return role == Role::kLearned ? Role::kNone : role;
}

std::string name_of(const EngineUse& use) {
  const std::string module(basename_of(use.module));
  if (use.role == Role::kNone || use.role == Role::kLearned)
    return module.empty() ? "an unknown caller" : module;
  std::string name(name_in(kRoleNames, use.role));
  if (!use.version.empty()) name += " " + use.version;
  return name + " in " + (module.empty() ? "an unknown module" : module);
}

void count_outcome(CallerUse& use, Outcome outcome) {
  if (outcome == Outcome::kSteered) ++use.steered;
  if (outcome == Outcome::kFellBack) ++use.fell_back;
  if (outcome == Outcome::kPassed) ++use.passed;
  if (outcome == Outcome::kWouldSteer) ++use.would_steer;
}

void add_extent(CallerUse& use, const Extent& extent, const Mapping& mapping, Becoming& became) {
  const auto bit = static_cast<std::uint8_t>(1U << static_cast<unsigned>(use.kind));
  const Bytes size = extent.range.size();
  if ((became.kinds & bit) == 0) {
    ++use.mappings;
    count_outcome(use, mapping.outcome);
  }
  if (extent.live() && (became.live_kinds & bit) == 0) ++use.live;
  became.kinds = static_cast<std::uint8_t>(became.kinds | bit);
  if (extent.live()) became.live_kinds = static_cast<std::uint8_t>(became.live_kinds | bit);
  if (!extent.moved) use.bytes = use.bytes + size;
  if (extent.live()) use.live_bytes = use.live_bytes + size;
  use.span = hull(use.span, extent.range);

  became.executable |= extent.ever_executable;
  became.read_only |= extent.ever_read_only;
  became.writable |= extent.ever_writable;
  if (!extent.moved) became.bytes = became.bytes + size;
}

bool is_jit_call(Outcome outcome) {
  return outcome == Outcome::kSteered || outcome == Outcome::kFellBack ||
         outcome == Outcome::kWouldSteer;
}

// Known data and what was made read-only were never meant to be code.
bool never_became_code(const Mapping& mapping, const Becoming& became) {
  return is_jit_call(mapping.outcome) && mapping.guess != Kind::kRodata &&
         mapping.guess != Kind::kRwdata && became.writable && !became.executable &&
         !became.read_only;
}

void finish(Gathering& gathering, Isa isa) {
  EngineUse& use = gathering.use;
  use.name = name_of(use);
  for (auto& [key, caller] : gathering.callers) {
    caller.symbol = demangled(key.first);
    use.callers.push_back(std::move(caller));
  }
  std::stable_sort(use.callers.begin(), use.callers.end(),
                   [](const CallerUse& a, const CallerUse& b) { return a.mappings > b.mappings; });
  const auto counts = count_pairs(gathering.of_jit);
  for (std::size_t k = 0; k < std::size(kReported); ++k) {
    ReachUse& reach = use.reach[k];
    const Binding binding = binding_of(use.role, use.module, use.version, isa, kReported[k]);
    reach.kind = kReported[k];
    reach.on_isa = exists_on(reach.kind, isa);
    for (const Reach& r : kReaches)
      if (r.kind == reach.kind) reach.limit = r.limit;
    reach.worst = counts[k].worst;
    reach.pairs = counts[k].pairs;
    reach.pairs_over = counts[k].over;
    reach.worst_pair = counts[k].worst_pair;
    reach.binds = binding.binds;
    reach.why = binding.why;
  }
}

std::uint64_t mappings_of(const EngineUse& use) {
  std::uint64_t n = 0;
  for (const CallerUse& c : use.callers) n += c.mappings;
  return n;
}

}  // namespace

std::string demangled(const std::string& symbol) {
  constexpr std::size_t kLongest = 1024;  // the demangler recurses
  if (symbol.size() > kLongest || symbol.rfind("_Z", 0) != 0) return symbol;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && text ? std::string(text.get()).substr(0, 4 * kLongest) : symbol;
}

std::vector<EngineUse> engines_of(const History& history, Isa isa) {
  std::map<std::pair<Role, std::string>, std::size_t> found;
  std::vector<Gathering> engines;
  constexpr std::size_t kNotYet = SIZE_MAX;
  std::vector<std::size_t> engine_of(history.callers.size(), kNotYet);
  std::vector<Becoming> became(history.mappings.size());
  for (const Extent& extent : history.space.extents()) {
    const Mapping& mapping = history.mappings[extent.mapping];
    const Caller& caller = history.callers[mapping.caller];
    const bool of_jit = mapping.of_jit || (extent.ever_executable && !mapping.of_file);
    if (!of_jit && caller.role == Role::kNone) continue;
    std::size_t& index = engine_of[mapping.caller];
    if (index == kNotYet) {
      index =
          found.try_emplace({grouped(caller.role), caller.module}, engines.size()).first->second;
      if (index == engines.size()) {
        engines.emplace_back();
        engines.back().use.module = caller.module;
      }
      EngineUse& use = engines[index].use;
      if (use.role == Role::kNone) use.role = caller.role;
      if (use.version.empty()) use.version = caller.version;
    }
    Gathering& gathering = engines[index];
    if (of_jit) gathering.of_jit.push_back(&extent);
    gathering.use.any_executable |= of_jit && extent.ever_executable;
    CallerUse& use = gathering.callers[{caller.symbol, kind_of(extent)}];
    use.module = caller.module;
    use.kind = kind_of(extent);
    add_extent(use, extent, mapping, became[extent.mapping]);
  }
  for (std::size_t i = 0; i < history.mappings.size(); ++i) {
    const Mapping& mapping = history.mappings[i];
    if (became[i].kinds == 0 || !never_became_code(mapping, became[i])) continue;
    EngineUse& use = engines[engine_of[mapping.caller]].use;
    ++use.never_executable;
    use.never_executable_bytes = use.never_executable_bytes + became[i].bytes;
  }
  std::vector<EngineUse> uses;
  for (Gathering& gathering : engines) {
    finish(gathering, isa);
    uses.push_back(std::move(gathering.use));
  }
  std::stable_sort(uses.begin(), uses.end(), [](const EngineUse& a, const EngineUse& b) {
    return mappings_of(a) > mappings_of(b);
  });
  return uses;
}

std::array<ReachUse, std::size(kReported)> worst_of(const std::vector<EngineUse>& engines,
                                                    Isa isa) {
  std::array<ReachUse, std::size(kReported)> worst;
  for (std::size_t k = 0; k < std::size(kReported); ++k) {
    ReachUse& all = worst[k];
    all.kind = kReported[k];
    all.on_isa = exists_on(all.kind, isa);
    for (const Reach& r : kReaches)
      if (r.kind == all.kind) all.limit = r.limit;
    for (const EngineUse& engine : engines) {
      const ReachUse& one = engine.reach[k];
      if (one.pairs == 0) continue;
      all.pairs += one.pairs;
      all.pairs_over += one.pairs_over;
      if (one.worst && (!all.worst || *all.worst < *one.worst)) {
        all.worst = one.worst;
        all.worst_pair = one.worst_pair;
      }
      if (all.why.empty() || all.binds < one.binds) {
        all.binds = one.binds;
        all.why = one.why;
      }
    }
  }
  return worst;
}

}  // namespace jitcorral::analyze
