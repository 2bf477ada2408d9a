#include "decode/audit.h"

#include <algorithm>
#include <map>
#include <utility>

namespace jitcorral::decode {
namespace {

// An explanation that is found by chance more often than this proves nothing.
constexpr double kProof = 0.1;
// In bytes that may be data, two have to agree, and each to be less likely than this.
constexpr double kDoubtfulProof = 0.001;
// Memory is mixed if more than one byte in so many may be data.
constexpr std::uint64_t kMixed = 50;

}  // namespace

std::uint64_t Audit::seen() const {
  std::uint64_t n = 0;
  for (const FieldCount& field : fields) n += field.seen;
  return n;
}

std::uint64_t Audit::landed() const {
  std::uint64_t n = 0;
  for (const FieldCount& field : fields) n += field.landed;
  return n;
}

std::uint64_t Audit::proofs() const {
  return static_cast<std::uint64_t>(
      std::count_if(misses.begin(), misses.end(), [](const Miss& miss) { return miss.proof; }));
}

bool Audit::mostly_doubtful() const {
  return bytes.flowed + bytes.data < bytes.swept + bytes.undecoded;
}

void Auditor::add(const Place& place, std::span<const std::byte> bytes,
                  std::span<const Address> functions) {
  const Code code{audit_.isa, place.range.begin, bytes, functions};
  const Decoded decoded = decode(code);
  Disassembler disassembler(code.isa);
  ++audit_.mappings;
  functions_.insert(functions_.end(), decoded.functions.begin(), decoded.functions.end());
  FlowMap::Counts& sum = audit_.bytes;
  sum.flowed = sum.flowed + decoded.bytes.flowed;
  sum.data = sum.data + decoded.bytes.data;
  sum.padding = sum.padding + decoded.bytes.padding;
  sum.swept = sum.swept + decoded.bytes.swept;
  sum.undecoded = sum.undecoded + decoded.bytes.undecoded;
  // Where data lies between code, what misses in a function that nobody is known to call is data,
  // as a rule.
  const bool mixed =
      (decoded.bytes.swept + decoded.bytes.undecoded).count * kMixed > decoded.bytes.flowed.count;
  for (Reference reference : decoded.references) {
    // Code of which so much misses is none, or broken beyond doubt.
    constexpr std::size_t kMostMisses = 10'000;
    if (audit_.misses.size() == kMostMisses) {
      if (!std::exchange(is_full_, true)) add_blind("what lies behind 10,000 references that miss");
      break;
    }
    Landed landed = land(reference, place, places_);
    const bool good = landed.landing == Landing::kExpected;
    if (!good && mixed && reference.strength == Strength::kFlow)
      landed.reference.strength = reference.strength = Strength::kSwept;
    if (reference.strength == Strength::kSwept) {
      ++audit_.doubtful;
      audit_.doubtful_misses += good ? 0U : 1U;
      // What nothing explains is data, as a rule.
      const bool hopeful = landed.truncation && (landed.truncation->chance < kDoubtfulProof ||
                                                 reference.access == Access::kCall);
      if (good || !hopeful) continue;
    } else {
      FieldCount& field = audit_.fields[static_cast<std::size_t>(reference.field)];
      ++field.seen;
      field.landed += good ? 1U : 0U;
      if (good) continue;
    }
    const auto text_at = [&](Address at) {
      return disassembler.text(bytes.subspan((at - code.base).count), at);
    };
    Miss miss{std::move(landed), text_at(reference.from), "", false};
    if (reference.with) miss.with_text = text_at(*reference.with);
    audit_.misses.push_back(std::move(miss));
  }
}

// A call that means the very begin of a function does not do so by chance.
void Auditor::weigh_calls() {
  std::sort(functions_.begin(), functions_.end());
  for (Miss& miss : audit_.misses) {
    auto& truncation = miss.landed.truncation;
    if (!truncation || miss.landed.reference.access != Access::kCall ||
        !std::binary_search(functions_.begin(), functions_.end(), truncation->meant))
      continue;
    const double places =
        static_cast<double>(1ULL << truncation->bits) / (audit_.isa == Isa::kAarch64 ? 4 : 1);
    truncation->chance =
        std::min(truncation->chance, static_cast<double>(functions_.size()) / places);
  }
}

Audit Auditor::finish() {
  weigh_calls();
  audit_.judge();
  return std::move(audit_);
}

void Audit::keep_misses(const std::function<bool(const Miss&)>& keep) {
  for (const Miss& miss : misses)
    if (miss.landed.reference.strength != Strength::kSwept && !keep(miss))
      ++fields[static_cast<std::size_t>(miss.landed.reference.field)].landed;
  std::erase_if(misses, [&](const Miss& miss) { return !keep(miss); });
  judge();
}

void Audit::judge() {
  // How many instructions that may be none were cut off by the same.
  std::map<std::pair<unsigned, std::int64_t>, unsigned> agree;
  for (const Miss& miss : misses)
    if (miss.landed.truncation && miss.landed.truncation->chance < kDoubtfulProof)
      ++agree[{miss.landed.truncation->bits, miss.landed.truncation->times}];
  bool unexplained = false;
  for (Miss& miss : misses) {
    const auto& truncation = miss.landed.truncation;
    if (miss.landed.reference.strength != Strength::kSwept) {
      miss.proof = truncation && truncation->chance < kProof;
      unexplained |= !miss.proof;
    } else {
      miss.proof =
          truncation->chance < kDoubtfulProof && agree[{truncation->bits, truncation->times}] > 1;
    }
  }
  std::erase_if(misses, [](const Miss& miss) {
    return miss.landed.reference.strength == Strength::kSwept && !miss.proof;
  });
  std::stable_sort(misses.begin(), misses.end(), [](const Miss& a, const Miss& b) {
    if (a.proof != b.proof) return a.proof;
    return a.landed.reference.from < b.landed.reference.from;
  });
  if (proofs() > 0)
    finding = Finding::kOutOfReach;
  else if (unexplained || !blind.empty() || mostly_doubtful())
    finding = Finding::kUnknown;
  else
    finding = mappings == 0 ? Finding::kNoCode : Finding::kWithinReach;
}

}  // namespace jitcorral::decode
