// What the rules of the sdclip family share: k standard deviations go to the largest point.
#pragma once

#include <span>

#include "scale/scale_rule.hpp"

namespace hallmark {

/// sqrt(sum_j (w_j - mean)^2 / (n - 1)); 0 for one number. Sums in binary64, in the order of w, which is not empty.
double deviation(std::span<const float> w);

/// The k of a grid of so many bits. From 5 to 8 what is published for codes that are compressed
/// afterwards: 12.85, 12.85, 14, 20; from 2 to 4 what loses least on normal numbers: 2, 2.34, 2.68.
double sdclip_k(int bits);

/// For rules: |s| = factor k std / largest in each row and group, with the sign of absmax, std that of the row or
/// group; where std = 0 the step of absmax. factor: [rows, groups], positive, or none: all 1.
Steps clipped_at_deviations(const ScaleInput& input, std::span<const double> factor = {});

}  // namespace hallmark
