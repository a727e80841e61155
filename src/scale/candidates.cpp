#include "scale/candidates.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "format/codec_lanes.hpp"
#include "linalg/round_lanes.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scale/candidates.cpp"
#include "base/highway.hpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace hallmark::HWY_NAMESPACE {

// sums[r] += h e[r]^2 for the lanes of a step, two roundings each (the square is exact).
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
void AddSquares(const float* e, double h, double* sums) {
  for (Index r = 0; r < kLanes<float>; ++r) sums[r] += h * (static_cast<double>(e[r]) * e[r]);
}
#else
namespace hn = hwy::HWY_NAMESPACE;

void AddSquares(const float* HWY_RESTRICT e, double h, double* HWY_RESTRICT sums) {
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> df;
  const auto n = static_cast<Index>(hn::Lanes(dd));
  for (Index r = 0; r < kLanes<float>; r += n) {
    const auto error = hn::PromoteTo(dd, hn::LoadU(df, e + r));
    const auto term = hn::Mul(hn::Set(dd, h), hn::Mul(error, error));
    hn::StoreU(hn::Add(hn::LoadU(dd, sums + r), term), dd, sums + r);
  }
}
#endif

}  // namespace hallmark::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hallmark {

HWY_EXPORT(AddSquares);

namespace {

constexpr auto kTogether = static_cast<std::size_t>(kLanes<float>);

double weight_of(std::span<const double> h, std::size_t j) { return h.empty() ? 1 : h[j]; }

// The errors of at most kTogether steps, one a lane.
void errors_of_lanes(const LaneRounder& rounder, std::span<const float> w, std::span<const double> h,
                     std::span<const Step> steps, double* sums) {
  std::array<float, kTogether> same, none{}, scale, u, e;
  std::array<std::int32_t, kTogether> zero{}, code;
  std::array<double, kTogether> sum{};
  scale.fill(1);
  for (std::size_t r = 0; r < steps.size(); ++r) {
    scale[r] = static_cast<float>(steps[r].scale);
    zero[r] = steps[r].zero;
  }
  for (std::size_t j = 0; j < w.size(); ++j) {
    same.fill(w[j]);
    rounder.round({same.data(), none.data(), scale.data(), zero.data(), u.data(), code.data(), e.data()});
    HWY_DYNAMIC_DISPATCH(AddSquares)(e.data(), weight_of(h, j), sum.data());
  }
  std::copy_n(sum.begin(), steps.size(), sums);
}

std::vector<double> errors_by(const LaneRounder& rounder, std::span<const float> w, std::span<const double> h,
                              std::span<const Step> steps) {
  std::vector<double> sums(steps.size());
  for (std::size_t k = 0; k < steps.size(); k += kTogether)
    errors_of_lanes(rounder, w, h, steps.subspan(k, std::min(kTogether, steps.size() - k)), sums.data() + k);
  return sums;
}

}  // namespace

std::vector<double> squared_errors(const Grid& grid, std::span<const float> w, std::span<const double> h,
                                   std::span<const Step> steps) {
  return errors_by(LaneRounder(grid), w, h, steps);
}

std::vector<double> squared_errors_ref(const Grid& grid, std::span<const float> w, std::span<const double> h,
                                       std::span<const Step> steps) {
  std::vector<double> sums;
  for (const Step& step : steps) {
    const auto s = static_cast<float>(step.scale);
    double sum = 0;
    for (std::size_t j = 0; j < w.size(); ++j) {
      const auto point = static_cast<float>(grid.value(grid.nearest(w[j], {s, step.zero}), step.zero));
      const double e = std::fma(-s, point, w[j]);
      sum += weight_of(h, j) * (e * e);
    }
    sums.push_back(sum);
  }
  return sums;
}

double scale_to_largest(const GridSpec& grid, std::span<const float> w, double magnitude) {
  const bool mirrored = grid.either_sign && std::find(w.begin(), w.end(), -largest_magnitude(w)) == w.end();
  return (mirrored ? -1 : 1) * (magnitude / grid.largest);
}

void append_scales(const GridSpec& grid, std::span<const float> w, double magnitude, std::vector<Step>& steps) {
  const double s = scale_to_largest(grid, w, magnitude);
  steps.emplace_back(s);
  if (grid.either_sign) steps.emplace_back(-s);
}

Step spanning_step(const GridSpec& grid, ScaleStorage storage, double from, double to) {
  const double s = round_up((to - from) / grid.last, scale_precision(storage));
  return {s, std::clamp(static_cast<int>(std::nearbyint(-from / s)), grid.first, grid.last)};
}

std::vector<Step> shrunken_steps(const ScaleInput& input, std::span<const float> w) {
  const GridSpec& grid = input.grid.spec();
  const double m = largest_magnitude(w);
  std::vector<Step> steps;
  if (m == 0) return {Step(1)};
  const double low = std::min(0.0F, *std::min_element(w.begin(), w.end())),
               high = std::max(0.0F, *std::max_element(w.begin(), w.end()));
  for (int k = 0; k < kScaleRatios; ++k) {
    const double ratio = scale_ratio(k);
    if (grid.zero_points) steps.push_back(spanning_step(grid, input.storage, ratio * low, ratio * high));
    else append_scales(grid, w, ratio * m, steps);
  }
  return steps;
}

std::vector<Step> ranked(const ScaleInput& input, std::span<const float> w, std::span<const double> h,
                         std::vector<Step> candidates) {
  const int bits = scale_precision(input.storage);
  const auto fits = [&](const Step& step) {
    const auto s = static_cast<float>(step.scale);
    return input.grid.exact_in_binary32(s) && holds(input.storage, s);
  };
  for (Step& step : candidates) step.scale = round_up(step.scale, bits);
  if (candidates.size() == 1 || !fits(candidates.front())) return {candidates.front()};
  std::erase_if(candidates, [&](const Step& step) { return !fits(step); });
  const std::vector<double> errors = squared_errors(input.grid, w, h, candidates);
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return errors[a] < errors[b]; });
  std::vector<Step> sorted;
  for (const std::size_t k : order) sorted.push_back(candidates[k]);
  return sorted;
}

Steps best_of(const ScaleInput& input,
              const std::function<std::vector<Step>(const ScaleInput&, std::span<const float>)>& candidates) {
  return per_group(input, [&](std::span<const float> w) {
    const auto column = static_cast<std::size_t>((w.data() - input.w) % input.cols);
    const auto h = input.weights.empty() ? input.weights : input.weights.subspan(column, w.size());
    return ranked(input, w, h, candidates(input, w)).front();
  });
}

}  // namespace hallmark
#endif
