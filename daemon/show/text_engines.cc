#include <fmt/format.h>

#include "show/human.h"
#include "show/safe.h"
#include "show/text_run.h"

namespace jitcorral::show {
namespace {

std::string title(const TextOptions& options, std::string_view text) {
  return "\n  " + paint(options.colour, Colour::kTitle, text) + '\n';
}

std::string caller_name(const analyze::CallerUse& caller, const analyze::EngineUse& engine) {
  std::string name = caller.symbol.empty() ? "(no symbol)" : without_parameters(caller.symbol);
  if (caller.module != engine.module && !caller.module.empty())
    name += fmt::format(" in {}", basename_of(caller.module));
  return name;
}

std::string outcome_of(const analyze::CallerUse& caller) {
  std::string text;
  const auto add = [&](std::uint64_t n, std::string_view what) {
    if (n != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count_of(n), what);
  };
  add(caller.steered, "steered");
  add(caller.fell_back, "fell back");
  add(caller.would_steer, "would steer");
  add(caller.passed, "passed");
  return text;
}

std::string never_executable(const analyze::EngineUse& engine, const TextOptions& options) {
  if (engine.never_executable == 0) return {};
  // Beside code this is what engines keep their data in, and no news.
  if (engine.any_executable) return {};
  const std::string text = fmt::format(
      "{} ({}) never became executable: the host may have gone to its interpreter",
      counted(engine.never_executable, "mapping"), size_of(engine.never_executable_bytes));
  return wrapped("      ", text, options.width);
}

// A distance over its limit is never written as the limit itself.
std::string distance(Bytes worst, Bytes limit) {
  const std::string text = size_of(worst);
  if (worst <= limit || text != size_of(limit)) return text;
  return fmt::format("{} + {}", text, size_of(worst - limit));
}

std::string_view binding(Binds binds) {
  switch (binds) {
    case Binds::kNo:
      return "does not bind";
    case Binds::kYes:
      return "binds";
    default:
      return "may bind";
  }
}

std::string worst_pair(const std::string& name, const analyze::ReachUse& reach,
                       const TextOptions& options) {
  if (!reach.worst_pair || !reach.worst || *reach.worst <= reach.limit) return {};
  const analyze::Pair& pair = *reach.worst_pair;
  return wrapped(fmt::format("    {} farthest: ", name),
                 fmt::format("code {} and {} {}", hex(pair.from), name_in(kKindNames, pair.to_kind),
                             hex(pair.to)),
                 options.width);
}

}  // namespace

std::string without_parameters(const std::string& symbol) {
  if (!symbol.ends_with(')') || symbol.ends_with("operator()")) return symbol;
  std::size_t depth = 0;
  for (std::size_t i = symbol.size(); i-- > 0;) {
    if (symbol[i] == ')') ++depth;
    if (symbol[i] == '(' && --depth == 0) return i == 0 ? symbol : symbol.substr(0, i);
  }
  return symbol;
}

std::string engines_section(const Shown& shown, const TextOptions& options) {
  std::string out;
  for (const analyze::EngineUse& engine : shown.report.engines) {
    out += title(options, engine.name.empty() ? name_in(kRoleNames, engine.role)
                                              : std::string_view(engine.name));
    if (!engine.module.empty()) out += "    " + engine.module + '\n';
    Table table("llrrrl");
    table.add({"caller", "kind", "mapped", "bytes", "span", "of these"});
    for (const analyze::CallerUse& caller : engine.callers)
      table.add({caller_name(caller, engine), std::string(name_in(kKindNames, caller.kind)),
                 count_of(caller.mappings), size_of(caller.bytes), size_of(caller.span.size()),
                 outcome_of(caller)});
    if (!engine.callers.empty()) out += table.draw(4, options.width, options.colour);
    out += never_executable(engine, options);
  }
  return out;
}

std::string reach_section(const Shown& shown, const TextOptions& options) {
  if (shown.report.engines.empty()) return {};
  const std::string_view isa = name_in(kIsaNames, shown.run.isa);
  std::string out = title(options, fmt::format("does it reach, on {}", isa));
  Table table("lrrrrl");
  table.add({"reach", "limit", "farthest", "pairs", "over", "binds"});
  std::string elsewhere, notes;
  for (std::size_t i = 0; i < std::size(analyze::kReported); ++i) {
    const std::string name = kReaches[static_cast<std::size_t>(analyze::kReported[i])].name;
    const analyze::ReachUse& reach = shown.report.reach[i];
    if (!reach.on_isa) {
      elsewhere += (elsewhere.empty() ? "" : ", ") + name;
      continue;
    }
    table.add({name, size_of(reach.limit),
               reach.worst ? distance(*reach.worst, reach.limit) : std::string("no pair"),
               count_of(reach.pairs), count_of(reach.pairs_over),
               std::string(name_in(kBindsNames, reach.binds))});
    if (reach.pairs > 0 && !reach.why.empty())
      notes +=
          wrapped(fmt::format("    {} {}: ", name, binding(reach.binds)), reach.why, options.width);
    notes += worst_pair(name, reach, options);
  }
  out += table.draw(4, options.width, options.colour);
  if (!elsewhere.empty()) out += fmt::format("    {}: not on {}\n", elsewhere, isa);
  return out + notes;
}

}  // namespace jitcorral::show
