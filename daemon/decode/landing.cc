#include "decode/landing.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace jitcorral::decode {
namespace {

constexpr Bytes kPage = kib(4);  // ADRP's, whatever the kernel's is
// Addresses that are only made may lie before or behind what they are of: the end of an array, a
// base that an index leads back from.
constexpr Bytes kBeside = kib(64);
// Explanations that are found more often than this by chance do not make a stranger of memory that
// permits the access.
constexpr double kSurely = 0.001;

// Whether a stretch that begins at `address` is all within `place` and its neighbours.
bool permits_all(const Places& places, Address address, Bytes size, Access access) {
  for (Address at = address; at < address + size;) {
    const Place* place = places.at(at);
    if (place == nullptr) return false;
    // What the dynamic linker made read-only once it had done its own part (RELRO).
    const bool relro = place->owner == Owner::kFile && place->readable && !place->executable &&
                       (access == Access::kWrite || access == Access::kReadWrite);
    if (!relro && !permits(*place, access)) return false;
    at = place->range.end;
  }
  return true;
}

bool page_is_mapped(const Places& places, Address page) {
  const Place* place = places.from(page);
  return place != nullptr && place->range.begin < page + kPage && permits(*place, Access::kAddress);
}

// Of an address that is only made: something lies so near that it can be of it.
bool is_beside(const Places& places, Address address, const Place& code) {
  const auto of_code = [&](const Place& place) {
    return place.owner <= Owner::kConstant &&
           (code.engine < 0 || place.engine < 0 || place.engine == code.engine);
  };
  const Address low = address.value > kBeside.count ? address - kBeside : Address{};
  for (const Place* place = places.from(low);
       place != nullptr && place != places.all().data() + places.all().size() &&
       place->range.begin <= address + kBeside;
       ++place)
    if (of_code(*place)) return true;
  return false;
}

bool works(const Reference& reference, const Place& code, const Places& places) {
  if (reference.names_page()) return page_is_mapped(places, reference.to);
  if (reference.access != Access::kAddress)
    return permits_all(places, reference.to, Bytes{std::max<std::uint64_t>(reference.size, 1)},
                       reference.access);
  const Place* place = places.at(reference.to);
  return (place != nullptr && permits(*place, Access::kAddress)) ||
         is_beside(places, reference.to, code);
}

// Candidates in the order of belief: an engine's own memory before any other engine's.
int rank_of(const Place& place, const Place& code, Access access) {
  if (place.owner == Owner::kEngine && code.engine >= 0 && place.engine >= 0 &&
      place.engine != code.engine)
    return static_cast<int>(Owner::kCount);
  // Other code is called, and rarely read; without a record nothing else tells it from data.
  const bool control = access == Access::kCall || access == Access::kJump;
  if (place.owner == Owner::kEngine && place.engine < 0 && place.executable && !control)
    return static_cast<int>(Owner::kFile);
  return static_cast<int>(place.owner);
}

std::optional<Truncation> explain(const Reference& reference, const Place& code,
                                  const Places& places) {
  const unsigned bits = info_of(reference.field).bits;
  if (bits < 28) return std::nullopt;  // within one function: nothing to relocate
  const std::uint64_t span = 1ULL << bits;
  std::optional<Truncation> best;
  int best_rank = std::numeric_limits<int>::max();
  double bytes_up_to[static_cast<std::size_t>(Owner::kCount) + 1] = {};
  for (const Place& place : places.all()) {
    if (!permits(place, reference.access)) continue;
    const int rank = rank_of(place, code, reference.access);
    const std::uint64_t size = place.range.size().count;
    for (std::size_t r = static_cast<std::size_t>(rank); r < std::size(bytes_up_to); ++r)
      bytes_up_to[r] += static_cast<double>(size);
    // A page of which something is meant may begin before the mapping does, where those are small.
    const std::uint64_t behind = (reference.to.value - place.range.begin.value) & (span - 1);
    if (behind >= size) continue;
    const Address meant = place.range.begin + Bytes{behind};
    const auto times = static_cast<std::int64_t>(meant.value - reference.to.value) /
                       static_cast<std::int64_t>(span);
    if (times == 0) continue;
    if (best &&
        (rank > best_rank || (rank == best_rank && std::abs(times) >= std::abs(best->times))))
      continue;
    best = Truncation{times, bits, meant, place, 1};
    best_rank = rank;
  }
  if (best)
    best->chance =
        std::min(1.0, bytes_up_to[static_cast<std::size_t>(best_rank)] / static_cast<double>(span));
  return best;
}

// Whether explain() could find memory of an engine: it looks at all places, and most references
// mean what they say.
bool may_mean_engine(const Reference& reference, const Places& places) {
  const std::uint64_t span = 1ULL << info_of(reference.field).bits;
  const auto is_candidate = [&](const AddressRange& range) {
    const std::uint64_t behind = (reference.to.value - range.begin.value) & (span - 1);
    return behind < range.size().count && range.begin + Bytes{behind} != reference.to;
  };
  return std::any_of(places.engines().begin(), places.engines().end(), is_candidate);
}

}  // namespace

Places::Places(std::vector<Place> all) : all_(std::move(all)) {
  std::erase_if(all_, [](const Place& place) { return place.range.empty(); });
  std::stable_sort(all_.begin(), all_.end(),
                   [](const Place& a, const Place& b) { return a.range.begin < b.range.begin; });
  std::vector<Place> apart;
  for (Place& place : all_) {
    if (!apart.empty() && place.range.begin < apart.back().range.end) {
      if (place.range.end <= apart.back().range.end) continue;
      place.range.begin = apart.back().range.end;
    }
    apart.push_back(std::move(place));
  }
  all_ = std::move(apart);
  for (const Place& place : all_)
    if (place.owner <= Owner::kConstant) engines_.push_back(place.range);
}

const Place* Places::from(Address address) const {
  const auto found =
      std::upper_bound(all_.begin(), all_.end(), address,
                       [](Address a, const Place& place) { return a < place.range.end; });
  return found == all_.end() ? nullptr : &*found;
}

const Place* Places::at(Address address) const {
  const Place* place = from(address);
  return place != nullptr && place->range.contains(address) ? place : nullptr;
}

bool permits(const Place& place, Access access) {
  switch (access) {
    case Access::kCall:
    case Access::kJump:
      return place.executable;
    case Access::kRead:
      return place.readable;
    case Access::kWrite:
      return place.writable;
    case Access::kReadWrite:
      return place.readable && place.writable;
    case Access::kAddress:
    case Access::kCount:
      break;
  }
  return place.readable || place.writable || place.executable;
}

Landed land(const Reference& reference, const Place& code, const Places& places) {
  Landed out;
  out.reference = reference;
  if (const Place* place = places.at(reference.to)) out.place = *place;
  if (!works(reference, code, places)) {
    out.landing = out.place ? Landing::kWrongKind : Landing::kNowhere;
    out.truncation = explain(reference, code, places);
    return out;
  }
  // What works may be there by luck. Code of an engine that refers by a displacement means its own
  // memory, or a file's.
  const bool strange =
      out.place && (out.place->owner == Owner::kNameless || out.place->owner == Owner::kOther);
  if (!strange || !may_mean_engine(reference, places)) return out;
  auto truncation = explain(reference, code, places);
  if (!truncation || truncation->place.owner > Owner::kConstant || truncation->chance > kSurely)
    return out;
  out.landing = Landing::kStranger;
  out.truncation = std::move(truncation);
  return out;
}

}  // namespace jitcorral::decode
