// What a command costs with the shim over what it costs bare, from runs by turns. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace jitcorral::command {

struct Quartiles {
  double least = 0, low = 0, median = 0, high = 0, most = 0;
};
// By linear interpolation between ranks. `values` is not empty.
Quartiles quartiles(std::span<const double> values);

// What the ratios of neighbouring runs say, whatever their distribution: their median lies between
// `low` and `high` with 95 % confidence, by order statistics.
struct Comparison {
  Quartiles bare, with;
  double ratio = 1;                 // median of with / bare, pair by pair
  std::optional<double> low, high;  // none: fewer than six pairs can't give 95 %
  // 1 is outside [low, high], and by more than what nobody could tell.
  bool is_beyond_noise = false;
};
// Pairs by index. A pair of zeros counts as ratio 1; a bare zero alone as ratio 2.
Comparison compare_pairs(std::span<const double> bare, std::span<const double> with);

// The rank, from 0, of the ratio that is `low`; `n - 1 - rank` is that of `high`. None: n < 6.
std::optional<std::size_t> confidence_rank(std::size_t n);

}  // namespace jitcorral::command
