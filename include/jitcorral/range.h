// Algebra of half-open address ranges [begin, end). Pure, constexpr, signal-safe.
#pragma once

#include "jitcorral/units.h"

namespace jitcorral {

struct AddressRange {
  Address begin;
  Address end;

  constexpr Bytes size() const { return end - begin; }
  constexpr bool empty() const { return !(begin < end); }
  constexpr bool contains(Address a) const { return begin <= a && a < end; }
  constexpr bool contains(AddressRange r) const { return begin <= r.begin && r.end <= end; }
  constexpr bool overlaps(AddressRange r) const { return begin < r.end && r.begin < end; }
  friend constexpr bool operator==(const AddressRange&, const AddressRange&) = default;
};

constexpr AddressRange range_of(Address begin, Bytes size) {
  return {begin, begin + size};
}

// The common part; empty (begin == end) when there is none.
constexpr AddressRange intersection(AddressRange a, AddressRange b) {
  const Address begin = a.begin < b.begin ? b.begin : a.begin;
  const Address end = a.end < b.end ? a.end : b.end;
  return begin < end ? AddressRange{begin, end} : AddressRange{begin, begin};
}

// The smallest range that holds both; an empty range adds nothing.
constexpr AddressRange hull(AddressRange a, AddressRange b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {a.begin < b.begin ? a.begin : b.begin, a.end < b.end ? b.end : a.end};
}

// The greatest displacement between a byte of `a` and a byte of `b`, in either direction.
constexpr Bytes worst_distance(AddressRange a, AddressRange b) {
  return hull(a, b).size() - Bytes{hull(a, b).empty() ? 0ULL : 1ULL};
}

}  // namespace jitcorral
