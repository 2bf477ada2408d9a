#include <fmt/format.h>

#include "show/explain.h"
#include "show/human.h"
#include "show/layout.h"
#include "show/names.h"
#include "show/safe.h"
#include "show/text_run.h"

namespace jitcorral::show {
namespace {

Colour colour_of(Answer answer) {
  return answer == Answer::kRuledOut ? Colour::kGood
         : answer == Answer::kCanBe  ? Colour::kBad
                                     : Colour::kDoubt;
}

std::string caller_text(const Side& side) {
  const std::string symbol = printable(std::string_view(without_parameters(side.symbol)));
  const std::string module = printable(basename_of(side.module));
  if (symbol.empty() && module.empty()) return "by a caller that is not known";
  if (symbol.empty()) return "by " + module;
  return module.empty() ? "by " + symbol : fmt::format("by {} in {}", symbol, module);
}

std::string side_text(const Side& side) {
  return fmt::format("{} at {} ({}), mapped {}", side.kind, hex(side.range),
                     size_of(side.range.size()), caller_text(side));
}

void add(std::string& out, std::string_view head, std::string_view text,
         const TextOptions& options) {
  out += wrapped(fmt::format("  {:<11}", head), printable(text), options.width);
}

void add_all(std::string& out, std::string_view head, const std::vector<std::string>& texts,
             const TextOptions& options) {
  for (const std::string& text : texts) {
    add(out, head, text, options);
    head = "";
  }
}

std::string beyond_text(const BeyondReach& b, const TextOptions& options) {
  std::string out = '\n' + wrapped("  ", printable(std::string_view(b.engine)), options.width);
  add(out, "  pair", fmt::format("{} apart, since call {}", size_of(b.distance), b.ticket),
      options);
  add(out, "", side_text(b.from), options);
  add(out, "", side_text(b.to), options);
  add(out, "  misses",
      fmt::format("{} reaches {}: {} too far", b.reach, size_of(b.limit),
                  size_of(b.distance - b.limit)),
      options);
  if (!b.relocations.empty()) add(out, "", b.relocations, options);
  add(out, "  binds",
      fmt::format("{}: {}", name_in(kBindsNames, b.binds), b.why.empty() ? "no source" : b.why),
      options);
  add(out, "  others",
      fmt::format("{} of {} beyond it", count_of(b.over), counted(b.pairs, "pair")), options);
  return out;
}

}  // namespace

std::string explanation_text(const Detailed& run, const Explanation& e,
                             const TextOptions& options) {
  const model::Run shown = printable(run.shown.run);
  std::string out = wrapped("", e.headline, options.width);
  out = paint(options.colour, colour_of(e.answer), out.substr(0, out.size() - 1)) + '\n';
  if (e.headline.find(e.because) == std::string::npos)
    out += wrapped("", printable(std::string_view(e.because)), options.width);
  out += '\n';
  add(out, shown.id == 0 ? "process" : fmt::format("run {}", shown.id),
      fmt::format(
          "{}, pid {}{}{}", name_of(shown), shown.pid,
          shown.isa == Isa::kUnknown ? "" : fmt::format(", {}", name_in(kIsaNames, shown.isa)),
          shown.state == model::RunState::kNotLoaded
              ? ""
              : fmt::format(", policy {}", name_in(kModeNames, shown.mode))),
      options);
  add(out, "ended", e.ended, options);
  for (const BeyondReach& b : e.beyond) out += beyond_text(b, options);
  if (!e.beyond.empty()) out += '\n';
  add_all(out, "evidence", e.evidence, options);
  if (e.unknown.empty())
    add(out, "not seen", "nothing is known to be missing", options);
  else
    add_all(out, "not seen", e.unknown, options);
  add_all(out, "next", e.next, options);
  return out;
}

Json explanation_json(const Detailed& run, const Explanation& e) {
  const model::Run& r = run.shown.run;
  const auto list = [](const std::vector<std::string>& texts) {
    Json out = Json::array();
    for (const std::string& text : texts) out.push_back(utf8(text));
    return out;
  };
  const auto side = [](const Side& s) {
    return Json{{"begin", hex(s.range.begin)},
                {"end", hex(s.range.end)},
                {"kind", s.kind},
                {"module", utf8(s.module)},
                {"symbol", utf8(s.symbol)}};
  };
  Json beyond = Json::array();
  for (const BeyondReach& b : e.beyond)
    beyond.push_back(Json{{"engine", utf8(b.engine)},
                          {"reach", b.reach},
                          {"limit", b.limit.count},
                          {"distance", b.distance.count},
                          {"excess", (b.distance - b.limit).count},
                          {"pairs", b.pairs},
                          {"pairs_over", b.over},
                          {"binds", name_in(kBindsNames, b.binds)},
                          {"why", utf8(b.why)},
                          {"relocations", b.relocations},
                          {"from", side(b.from)},
                          {"to", side(b.to)},
                          {"ticket", b.ticket}});
  return {{"jitcorral", JITCORRAL_VERSION},
          {"answer", name_in(kAnswerNames, e.answer)},
          {"headline", e.headline},
          {"because", utf8(e.because)},
          {"verdict", name_in(analyze::kVerdictNames, run.shown.report.verdict)},
          {"run", r.id},
          {"pid", r.pid},
          {"exe", utf8(r.executable)},
          {"exit",
           {{"code", r.exit_code ? Json(*r.exit_code) : Json(nullptr)},
            {"signal", r.signal ? Json(*r.signal) : Json(nullptr)}}},
          {"ended", e.ended},
          {"beyond", beyond},
          {"evidence", list(e.evidence)},
          {"not_seen", list(e.unknown)},
          {"next", list(e.next)}};
}

}  // namespace jitcorral::show
