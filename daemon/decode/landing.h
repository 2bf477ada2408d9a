// What lies where a reference points, and whether it can be what was meant.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "decode/reference.h"
#include "jitcorral/range.h"

namespace jitcorral::decode {

// Whose memory a mapping is, as far as that is known; what a truncated reference may have meant is
// looked for in this order.
enum class Owner : std::uint8_t {
  kEngine,    // a JIT's, by a record; or executable and of no file
  kConstant,  // of no file and read-only, as JITs make their constants: as a rule theirs
  kNameless,  // of no file and writable: theirs, or the program's
  kFile,      // the executable's or a library's
  kOther,     // heap, stacks, shared memory
  kCount,
};
inline constexpr std::string_view kOwnerNames[] = {"engine", "constant", "nameless", "file",
                                                   "other"};
static_assert(std::size(kOwnerNames) == static_cast<std::size_t>(Owner::kCount));

struct Place {
  AddressRange range;
  bool readable = false, writable = false, executable = false;
  std::string name;  // path, "[heap]", or empty
  Owner owner = Owner::kOther;
  std::int32_t engine = -1;  // which, by a record; -1: not known
};

// Every mapping of a process. What is not among them is not mapped.
class Places {
 public:
  Places() = default;
  // In any order; where two overlap, the first goes first.
  explicit Places(std::vector<Place> all);

  const Place* at(Address address) const;
  // The first that is not wholly below `address`; null: none.
  const Place* from(Address address) const;
  std::span<const Place> all() const { return all_; }
  // Of these, the ranges of kEngine and kConstant.
  std::span<const AddressRange> engines() const { return engines_; }

 private:
  std::vector<Place> all_;  // by address
  std::vector<AddressRange> engines_;
};

// Whether an access of that kind works there.
bool permits(const Place& place, Access access);

enum class Landing : std::uint8_t {
  kExpected,   // in a mapping that permits it
  kWrongKind,  // in one that does not
  kNowhere,    // where nothing is mapped
  // In a mapping that permits it and is nobody's who should be meant, a multiple of the field's
  // span away from memory of the code's own engine.
  kStranger,
  kCount,
};
inline constexpr std::string_view kLandingNames[] = {"expected", "wrong-kind", "nowhere",
                                                     "stranger"};
static_assert(std::size(kLandingNames) == static_cast<std::size_t>(Landing::kCount));

// What was meant, if the displacement was cut off to its field.
struct Truncation {
  std::int64_t times = 0;  // meant = to + times * 2^bits
  unsigned bits = 0;
  Address meant;
  Place place;  // there
  // How likely such an explanation is found for a reference that never was cut off: the share of
  // all displacements of that field for which memory lies ready that would have done as well.
  double chance = 1;
};

struct Landed {
  Reference reference;
  Landing landing = Landing::kExpected;
  std::optional<Place> place;            // none: nothing is mapped there
  std::optional<Truncation> truncation;  // of all but kExpected, where one explains it
};

// `code`: the place that the reference is in.
Landed land(const Reference& reference, const Place& code, const Places& places);

}  // namespace jitcorral::decode
