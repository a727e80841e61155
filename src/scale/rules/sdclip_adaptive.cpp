// sdclip with a k of its own for each row and group: the less, the more sensitive it is. Published between the tensors
// of a model; here between the rows and groups of one, because a rule sees one tensor.
//
//   v = (mean of G_jj) (variance of w)       over the row or group
//   k' = c k v^-(5/32) within [6/12.85, 24/12.85] k,    c such that the mean of k' over the weights is k
//   k' = k where v is 0 or beyond 2^(+-700), near whose end binary64 would be inexact
//
// Published are the exponent -0.15 and a geometric mean of 1.012 k: 5/32 takes square roots alone, and the mean sums
// alone, which every machine rounds alike, so that scales can be made again.
#include <algorithm>
#include <cmath>
#include <vector>

#include "scale/candidates.hpp"
#include "scale/deviation.hpp"

namespace hallmark::rules {
namespace {

constexpr double kLeast = 6 / 12.85, kMost = 24 / 12.85;

double root_of(double x, int times) {
  for (; times > 0; --times) x = std::sqrt(x);
  return x;
}

// A row or group: 1 / v^(5/32), 0 where k' = k, and its weights.
struct Part {
  double rise, size;
};

std::vector<Part> parts_of(const ScaleInput& input) {
  const Index groups = groups_of(input.cols, input.group_size),
              width = input.group_size == 0 ? input.cols : input.group_size;
  std::vector<Part> parts(static_cast<std::size_t>(input.rows * groups));
#pragma omp parallel for schedule(static) if (input.rows * input.cols > 1 << 16)
  for (Index i = 0; i < input.rows; ++i)
    for (Index g = 0; g < groups; ++g) {
      const auto size = static_cast<std::size_t>(std::min(width, input.cols - g * width));
      double sum = 0;
      for (const double h : input.weights.subspan(static_cast<std::size_t>(g * width), size)) sum += h;
      const double std = deviation({input.w + i * input.cols + g * width, size});
      const double v = sum / static_cast<double>(size) * std * std;
      const double rise = v >= 0x1p-700 && v <= 0x1p700 ? 1 / (root_of(v, 3) * root_of(v, 5)) : 0;
      parts[static_cast<std::size_t>(i * groups + g)] = {rise, static_cast<double>(size)};
    }
  return parts;
}

double factor_of(double c, double rise) { return rise > 0 ? std::clamp(c * rise, kLeast, kMost) : 1; }

double mean_of(double c, const std::vector<Part>& parts) {
  double sum = 0, size = 0;
  for (const Part& part : parts) sum += part.size * factor_of(c, part.rise), size += part.size;
  return sum / size;
}

// The mean grows with c: half of the interval is left out until no number is between its ends.
std::vector<double> adaptive_factors(const ScaleInput& input) {
  const std::vector<Part> parts = parts_of(input);
  double least = 0, most = 0;
  for (const Part& part : parts)
    if (part.rise > 0) most = std::max(most, kMost / part.rise);
  for (double c = most / 2; least < c && c < most; c = least + (most - least) / 2)
    (mean_of(c, parts) < 1 ? least : most) = c;
  std::vector<double> found;
  for (const Part& part : parts) found.push_back(factor_of(most, part.rise));
  return found;
}

}  // namespace

extern const ScaleRule sdclip_adaptive;
const ScaleRule sdclip_adaptive{
    "sdclip-adaptive", takes_scales_alone, Statistic::diagonal,
    [](const ScaleInput& input) -> Expected<Steps> { return clipped_at_deviations(input, adaptive_factors(input)); }};

}  // namespace hallmark::rules
