#include "autopsy/distances.h"

#include <algorithm>

namespace jitcorral::autopsy {
namespace {

using decode::Access;
using decode::Field;
using decode::Owner;
using decode::Place;

bool is_jit_code(const Place& place) {
  return place.executable && place.owner == Owner::kEngine;
}

bool is_data(const Place& place) {
  return !place.executable && place.readable &&
         (place.owner == Owner::kConstant || place.owner == Owner::kNameless);
}

// Places are sorted and apart: what lies nearest is a neighbour, and on either side all that is
// beyond some point is too far.
Span span_of(Field field, bool to_code, const decode::Places& places) {
  Span out;
  out.field = field;
  out.to_code = to_code;
  const Bytes reach = decode::reach_of(field);
  std::vector<const Place*> targets;
  for (const Place& place : places.all())
    if (to_code ? is_jit_code(place) : is_data(place)) targets.push_back(&place);
  for (const Place& from : places.all()) {
    if (!is_jit_code(from)) continue;
    const auto apart = [&](const Place* to) { return worst_distance(from.range, to->range); };
    const auto right =
        std::upper_bound(targets.begin(), targets.end(), from.range.begin,
                         [](Address a, const Place* place) { return a < place->range.begin; });
    const auto left = right != targets.begin() && *std::prev(right) == &from ? right - 1 : right;
    out.pairs += targets.size() - static_cast<std::size_t>(right - left);
    const auto within = [&](const Place* to) { return apart(to) < reach; };
    const auto beyond = [&](const Place* to) { return !within(to); };
    out.beyond += static_cast<std::uint64_t>(
        (std::partition_point(targets.begin(), left, beyond) - targets.begin()) +
        (targets.end() - std::partition_point(right, targets.end(), within)));
    const Place* nearest = left != targets.begin() ? *(left - 1) : nullptr;
    if (right != targets.end() && (nearest == nullptr || apart(*right) < apart(nearest)))
      nearest = *right;
    if (nearest == nullptr || (out.nearest && !(out.distance < apart(nearest)))) continue;
    out.code = from;
    out.nearest = *nearest;
    out.distance = apart(nearest);
  }
  return out;
}

}  // namespace

std::vector<Span> spans(Isa isa, const decode::Places& places) {
  if (isa == Isa::kAarch64)
    return {span_of(Field::kBranch26, true, places), span_of(Field::kAdrp, false, places)};
  return {span_of(Field::kRel32, true, places), span_of(Field::kRip32, false, places)};
}

std::vector<decode::Landed> meant_by(Isa isa, Address address, Access access,
                                     const decode::Places& places) {
  const bool control = access == Access::kCall || access == Access::kJump;
  decode::Reference reference;
  reference.to = address;
  reference.access = access;
  reference.size = 1;
  if (isa == Isa::kAarch64)
    reference.field = control ? Field::kBranch26 : Field::kAdrp;
  else
    reference.field = control ? Field::kRel32 : Field::kRip32;
  // What a displacement leads to lies within its reach, wherever it was meant to lead.
  const Bytes reach = decode::reach_of(reference.field);
  for (const Place& code : places.all()) {
    if (!is_jit_code(code)) continue;
    const Bytes apart =
        address < code.range.begin ? code.range.begin - address : address - code.range.begin;
    if (reach + code.range.size() < apart) continue;
    reference.from = code.range.begin;
    if (reference.field == Field::kAdrp) reference.with = reference.from + Bytes{4};
    decode::Landed landed = decode::land(reference, code, places);
    if (landed.truncation) return {std::move(landed)};
  }
  return {};
}

}  // namespace jitcorral::autopsy
