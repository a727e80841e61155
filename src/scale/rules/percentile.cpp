#include <algorithm>
#include <array>
#include <cmath>

#include "scale/candidates.hpp"

namespace hallmark::rules {
namespace {

constexpr std::array percentiles{1.0, 0.999, 0.995, 0.99, 0.98};

// The quantile of sorted numbers, linear between ranks: at rank p (n - 1) from 0.
double quantile(const std::vector<float>& sorted, double p) {
  const double rank = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const double from = sorted[below], to = sorted[std::min(below + 1, sorted.size() - 1)];
  return from + (rank - static_cast<double>(below)) * (to - from);
}

std::vector<Step> steps_of(const ScaleInput& input, std::span<const float> w) {
  std::vector<float> magnitudes(w.begin(), w.end());
  for (float& x : magnitudes) x = std::fabs(x);
  std::sort(magnitudes.begin(), magnitudes.end());
  std::vector<Step> steps;
  for (const double p : percentiles)
    if (const double m = quantile(magnitudes, p); m > 0) append_scales(input.grid.spec(), w, m, steps);
  return steps.empty() ? std::vector{Step(1)} : steps;
}

}  // namespace

extern const ScaleRule percentile;
const ScaleRule percentile{"percentile", takes_scales_alone, Statistic::none,
                           [](const ScaleInput& input) -> Expected<Steps> { return best_of(input, steps_of); }};

}  // namespace hallmark::rules
