#include "show/doctor.h"
#include "show/names.h"
#include "show/safe.h"

namespace jitcorral::show {
namespace {

Json of(const std::vector<inspect::Note>& notes) {
  Json out = Json::array();
  for (const inspect::Note& note : notes)
    out.push_back({{"id", note.id}, {"text", utf8(note.text)}});
  return out;
}

Json texts(const std::vector<std::string>& all) {
  Json out = Json::array();
  for (const std::string& text : all) out.push_back(utf8(text));
  return out;
}

Json of(const inspect::EngineFound& engine) {
  Json reach = Json::object();
  for (const inspect::ReachNeed& need : engine.reach)
    reach[need.name] = {{"limit", need.limit.count},
                        {"binds", name_in(kBindsNames, need.binds)},
                        {"why", utf8(need.why)}};
  return {{"engine", name_in(kRoleNames, engine.role)},
          {"version", engine.version.empty() ? Json(nullptr) : Json(utf8(engine.version))},
          {"module", utf8(engine.module)},
          {"certainty", name_in(inspect::kCertaintyNames, engine.certainty)},
          {"why", utf8(engine.why_there)},
          {"found_by", utf8(engine.found_by)},
          {"allocates", engine.allocates},
          {"used", engine.is_used},
          {"served", engine.is_served},
          {"outcome", utf8(engine.outcome)},
          {"reach", reach}};
}

}  // namespace

Json json(const inspect::Diagnosis& d) {
  Json engines = Json::array(), independent = Json::array(), missing = Json::array();
  for (const inspect::EngineFound& engine : d.engines) engines.push_back(of(engine));
  for (const inspect::Independent& one : d.independent)
    independent.push_back({{"module", utf8(one.module)}, {"why", utf8(one.why)}});
  for (const inspect::Missing& one : d.missing)
    missing.push_back({{"name", utf8(one.name)}, {"by", utf8(one.by)}});
  return {{"jitcorral", JITCORRAL_VERSION},
          {"answer", name_in(inspect::kAnswerNames, d.answer)},
          {"because", utf8(d.because)},
          {"exe", utf8(d.program.real.empty() ? d.program.path : d.program.real)},
          {"steps", texts(d.program.steps)},
          {"isa", name_in(kIsaNames, d.isa)},
          {"linkage", d.linkage},
          {"libc", d.libc},
          {"libraries", d.libraries},
          {"missing", missing},
          {"engines", engines},
          {"self_contained", independent},
          {"policy", name_in(kModeNames, d.mode)},
          {"settings", texts(d.settings)},
          {"obstacles", of(d.obstacles)},
          {"will", of(d.will)},
          {"cannot_see", of(d.limits)}};
}

}  // namespace jitcorral::show
