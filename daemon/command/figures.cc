#include "command/figures.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace jitcorral::command {
namespace {

double at_rank(std::span<const double> sorted, double rank) {
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (rank - std::floor(rank));
}

double ratio_of(double with, double bare) {
  if (bare > 0) return with / bare;
  return with > 0 ? 2 : 1;
}

}  // namespace

Quartiles quartiles(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double last = static_cast<double>(sorted.size() - 1);
  return {sorted.front(), at_rank(sorted, last / 4), at_rank(sorted, last / 2),
          at_rank(sorted, last * 3 / 4), sorted.back()};
}

std::optional<std::size_t> confidence_rank(std::size_t n) {
  // The largest k with P(at most k of n coins show heads) <= 2.5 %; in logarithms, for large n.
  const double count = static_cast<double>(n);
  double sum = 0;
  std::optional<std::size_t> rank;
  for (std::size_t k = 0; k < n; ++k) {
    const double heads = static_cast<double>(k);
    sum += std::exp(std::lgamma(count + 1) - std::lgamma(heads + 1) -
                    std::lgamma(count - heads + 1) - count * std::log(2.0));
    if (sum > 0.025) break;
    rank = k;
  }
  return rank;
}

Comparison compare_pairs(std::span<const double> bare, std::span<const double> with) {
  // What is smaller is nobody's concern, however sure it is.
  constexpr double kTold = 0.002;
  Comparison all;
  all.bare = quartiles(bare);
  all.with = quartiles(with);
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(bare.size(), with.size()); ++i)
    ratios.push_back(ratio_of(with[i], bare[i]));
  std::sort(ratios.begin(), ratios.end());
  all.ratio = quartiles(ratios).median;
  if (const auto rank = confidence_rank(ratios.size())) {
    all.low = ratios[*rank];
    all.high = ratios[ratios.size() - 1 - *rank];
    all.is_beyond_noise = (*all.low > 1 || *all.high < 1) && std::abs(all.ratio - 1) > kTold;
  }
  return all;
}

}  // namespace jitcorral::command
