// What rules share that try several steps for a group of weights and keep the one that loses least.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "scale/scale_rule.hpp"

namespace hallmark {

/// Ratios to the largest step that rules try, the largest step itself first: 80/80, 79/80, .., 24/80.
inline constexpr int kScaleRatios = 57;
constexpr double scale_ratio(int k) { return (80 - k) / 80.0; }

/// Which grids have the steps of shrunken_steps, and which of them scales alone.
inline bool takes_shrunken(const GridSpec& grid) { return grid.kind != GridSpec::Kind::golden; }
inline bool takes_scales_alone(const GridSpec& grid) { return takes_shrunken(grid) && !grid.zero_points; }

/// The scale by which `magnitude` goes to the largest point of the grid. Where scales have either sign it is negative
/// unless -max|w| is among the weights: the weight of largest magnitude then has the sign of the first code.
double scale_to_largest(const GridSpec& grid, std::span<const float> w, double magnitude);

/// Appends it, and its mirror image where scales have either sign.
void append_scales(const GridSpec& grid, std::span<const float> w, double magnitude, std::vector<Step>& steps);

/// The step whose points span [from, to], from <= 0 <= to, from < to: the scale as it will be stored, and for it the
/// zero point. The grid has zero points.
Step spanning_step(const GridSpec& grid, ScaleStorage storage, double from, double to);

/// The steps of scale_ratio(k) times the largest step of the group (absmax), of both signs where the grid takes them,
/// that of absmax first; with zero points those that span scale_ratio(k) times the range (minmax). {1} for zeros.
std::vector<Step> shrunken_steps(const ScaleInput& input, std::span<const float> w);

/// The candidates of a group, rounded up as files store them, by squared_errors under h, the first of equals first.
/// Those that would not be exact in binary32 or that the storage does not hold are left out, unless the first is one:
/// then it is alone.
std::vector<Step> ranked(const ScaleInput& input, std::span<const float> w, std::span<const double> h,
                         std::vector<Step> candidates);

/// For rules: in each row and group the candidate of least squared_errors under input.weights, the first of equals.
/// Candidates are rounded up as files store them; those that would not be exact in binary32 or that the storage does
/// not hold are passed over, unless the first is one: then it is taken, and refused by steps_for.
Steps best_of(const ScaleInput& input,
              const std::function<std::vector<Step>(const ScaleInput&, std::span<const float>)>& candidates);

/// sum_j h_j e_j^2 for each step: e_j = fl(w_j - s q_j) in binary32, q_j the point nearest to w_j; terms h_j e_j^2 in
/// binary64 added in the order of the columns, one rounding for the product, one for the sum. h is as long as w, or
/// empty: all 1.
std::vector<double> squared_errors(const Grid& grid, std::span<const float> w, std::span<const double> h,
                                   std::span<const Step> steps);

/// The plain twin.
std::vector<double> squared_errors_ref(const Grid& grid, std::span<const float> w, std::span<const double> h,
                                       std::span<const Step> steps);

}  // namespace hallmark
