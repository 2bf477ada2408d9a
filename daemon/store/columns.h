// How the values of the model become columns, and how columns that can hold anything become values.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "store/sqlite.h"

namespace jitcorral::store {

// Longer texts than these are not ours. A ring's texts are smaller than 64 KiB together; a command
// is at most what execve takes, as JSON.
inline constexpr std::size_t kLongestName = 64 << 10;
inline constexpr std::size_t kLongestText = 16 << 20;

// Values of a newer version, or of no version at all, become `unknown`.
template <typename Enum>
Enum enumerator(std::int64_t value, Enum last, Enum unknown) {
  return value >= 0 && value <= static_cast<std::int64_t>(last) ? static_cast<Enum>(value)
                                                                : unknown;
}

template <typename Enum>
constexpr Enum before(Enum count) {
  return static_cast<Enum>(static_cast<int>(count) - 1);
}

template <typename Number>
bool fits(std::int64_t value) {
  return value >= std::numeric_limits<Number>::min() && value <= std::numeric_limits<Number>::max();
}

template <typename Number>
Number narrow(std::int64_t value) {
  return fits<Number>(value) ? static_cast<Number>(value) : Number{0};
}

inline std::optional<int> maybe_int(Statement& row) {
  const auto value = row.maybe_number();
  if (!value || !fits<int>(*value)) return std::nullopt;
  return static_cast<int>(*value);
}

inline std::string text(Statement& row) {
  return std::string(row.text().substr(0, kLongestText));
}

// What is longer than load would take is cut, so that whatever is stored comes back.
inline std::string_view storable(std::string_view text, std::size_t longest = kLongestText) {
  return text.substr(0, longest);
}

// After an UPDATE: whether there was such a row.
inline void expect_change(const Connection& connection, const char* what, std::int64_t id) {
  if (sqlite3_changes(connection.handle()) == 0)
    throw Error(shown(connection.path()) + ": has no " + what + " " + std::to_string(id));
}

}  // namespace jitcorral::store
