#include "show/autopsy.h"
#include "show/human.h"
#include "show/safe.h"

namespace jitcorral::show {
namespace {

constexpr std::string_view kConclusionNames[] = {"ruled-out", "cause", "can-be", "unknown"};
static_assert(std::size(kConclusionNames) == static_cast<std::size_t>(autopsy::Conclusion::kCount));
constexpr std::string_view kEndNames[] = {"constant", "loaded",   "stack",
                                          "call",     "computed", "block"};
static_assert(std::size(kEndNames) == static_cast<std::size_t>(decode::Trail::End::kCount));

Json line_json(const autopsy::Line& line) {
  return {{"at", hex(line.at)}, {"text", utf8(line.text)}};
}

Json texts(const std::vector<std::string>& all) {
  Json out = Json::array();
  for (const std::string& text : all) out.push_back(utf8(text));
  return out;
}

Json audit_part(const AuditedProcess& nobody, const decode::Audit& audit) {
  AuditedProcess process = nobody;
  process.audit = audit;
  Json out = audit_json(process, 1);
  for (const char* key : {"jitcorral", "pid", "exe", "isa", "run", "misses", "misses_left_out"})
    out.erase(key);
  return out;
}

}  // namespace

Json autopsy_json(const autopsy::Crash& crash, std::string_view core, std::size_t most) {
  const AuditedProcess nobody{};
  const auto place = [&](const std::optional<decode::Place>& p) {
    return p ? place_json(nobody, *p) : Json(nullptr);
  };
  Json origin = nullptr;
  if (const auto& o = crash.origin) {
    Json steps = Json::array();
    for (const autopsy::Line& step : o->steps) steps.push_back(line_json(step));
    origin = {{"register", o->reg}, {"steps", steps}, {"end", name_in(kEndNames, o->end)}};
  }
  Json spans = Json::array(), guesses = Json::array();
  for (const autopsy::Span& span : crash.spans)
    spans.push_back({{"field", decode::info_of(span.field).name},
                     {"to", span.to_code ? "code" : "data"},
                     {"reach", decode::reach_of(span.field).count},
                     {"pairs", span.pairs},
                     {"beyond", span.beyond},
                     {"code", place(span.code)},
                     {"nearest", place(span.nearest)},
                     {"distance", span.distance.count}});
  for (const decode::Landed& guess : crash.guesses)
    guesses.push_back(miss_json(nobody, decode::Miss{guess, "", "", false}));
  Json misses = Json::array();
  for (const decode::Miss& miss : crash.audit.misses) {
    if (most != 0 && misses.size() == most) break;
    misses.push_back(miss_json(nobody, miss));
  }
  return {{"jitcorral", JITCORRAL_VERSION},
          {"answer", name_in(kAnswerNames, answer_of(crash.conclusion))},
          {"conclusion", name_in(kConclusionNames, crash.conclusion)},
          {"headline", utf8(paragraph_of(crash))},
          {"file", utf8(core)},
          {"exe", utf8(crash.executable)},
          {"isa", name_in(kIsaNames, crash.isa)},
          {"engines", texts(crash.engines)},
          {"under_shim", crash.under_shim},
          {"threads", crash.threads},
          {"thread", crash.thread},
          {"signal", crash.signal},
          {"pc", hex(crash.pc)},
          {"pc_place", place(crash.pc_place)},
          {"in_jit", crash.in_jit},
          {"instruction", crash.instruction ? line_json(*crash.instruction) : Json(nullptr)},
          {"sent_away", crash.sent_away},
          {"touched", crash.touched ? Json(hex(*crash.touched)) : Json(nullptr)},
          {"touched_place", place(crash.touched_place)},
          {"access", name_in(decode::kAccessNames, crash.access)},
          {"bytes", crash.size},
          {"origin", origin},
          {"culprit", crash.culprit ? miss_json(nobody, *crash.culprit) : Json(nullptr)},
          {"here", crash.here ? audit_part(nobody, *crash.here) : Json(nullptr)},
          {"audit", audit_part(nobody, crash.audit)},
          {"misses", misses},
          {"misses_left_out", crash.audit.misses.size() - misses.size()},
          {"spans", spans},
          {"guesses", guesses},
          {"missing", texts(crash.missing)}};
}

}  // namespace jitcorral::show
