#include "show/audit.h"
#include "show/human.h"
#include "show/safe.h"

namespace jitcorral::show {

using decode::Miss;
using decode::Place;

Json place_json(const AuditedProcess& process, const Place& place) {
  const auto engine = static_cast<std::size_t>(place.engine);
  const bool known = place.engine >= 0 && engine < process.engines.size();
  return {{"begin", hex(place.range.begin)},
          {"end", hex(place.range.end)},
          {"permissions", std::string(place.readable ? "r" : "-") + (place.writable ? "w" : "-") +
                              (place.executable ? "x" : "-")},
          {"name", utf8(place.name)},
          {"owner", name_in(decode::kOwnerNames, place.owner)},
          {"engine", known ? Json(utf8(process.engines[engine])) : Json(nullptr)}};
}

Json miss_json(const AuditedProcess& process, const Miss& miss) {
  const decode::Landed& landed = miss.landed;
  const decode::Reference& r = landed.reference;
  Json out = {{"proof", miss.proof},
              {"from", hex(r.from)},
              {"instruction", miss.text},
              {"with", r.with ? Json(hex(*r.with)) : Json(nullptr)},
              {"with_instruction", miss.with_text},
              {"to", hex(r.to)},
              {"field", decode::info_of(r.field).name},
              {"access", name_in(decode::kAccessNames, r.access)},
              {"bytes", r.size},
              {"strength", name_in(decode::kStrengthNames, r.strength)},
              {"landing", name_in(decode::kLandingNames, landed.landing)},
              {"place", landed.place ? place_json(process, *landed.place) : Json(nullptr)},
              {"cut_off", nullptr}};
  if (const auto& t = landed.truncation)
    out["cut_off"] = {{"bits", t->bits},
                      {"times", t->times},
                      {"meant", hex(t->meant)},
                      {"place", place_json(process, t->place)},
                      {"chance", t->chance}};
  return out;
}

Json audit_json(const AuditedProcess& process, std::size_t most) {
  const decode::Audit& audit = process.audit;
  Json fields = Json::object();
  for (const decode::FieldInfo& field : decode::kFields) {
    const decode::FieldCount& n = audit.fields[static_cast<std::size_t>(field.field)];
    if (n.seen > 0)
      fields[std::string(field.name)] = {
          {"reach", decode::reach_of(field.field).count}, {"seen", n.seen}, {"landed", n.landed}};
  }
  Json misses = Json::array(), blind = Json::array();
  for (const Miss& miss : audit.misses) {
    if (most != 0 && misses.size() == most) break;
    misses.push_back(miss_json(process, miss));
  }
  for (const std::string& what : audit.blind) blind.push_back(utf8(what));
  return {{"jitcorral", JITCORRAL_VERSION},
          {"verdict", name_in(decode::kFindingNames, audit.finding)},
          {"because", because_of(audit)},
          {"pid", process.pid},
          {"exe", utf8(process.executable)},
          {"isa", name_in(kIsaNames, audit.isa)},
          {"run", process.run ? Json(*process.run) : Json(nullptr)},
          {"code",
           {{"mappings", audit.mappings},
            {"bytes", audit.size().count},
            {"functions", audit.bytes.flowed.count},
            {"data", audit.bytes.data.count},
            {"padding", audit.bytes.padding.count},
            {"doubtful", audit.bytes.swept.count},
            {"undecoded", audit.bytes.undecoded.count}}},
          {"references",
           {{"seen", audit.seen()},
            {"landed", audit.landed()},
            {"cut_off", audit.proofs()},
            {"doubtful", audit.doubtful},
            {"doubtful_misses", audit.doubtful_misses}}},
          {"fields", fields},
          {"misses", misses},
          {"misses_left_out", audit.misses.size() - misses.size()},
          {"blind", blind}};
}

}  // namespace jitcorral::show
