// The Kombucha objective: weights near the points that rounding to nearest gives them, so that codes lose less.
#pragma once

#include "base/error.hpp"
#include "linalg/matrix.hpp"
#include "method/options.hpp"

namespace hallmark::trainer {

struct Pull {
  double squares = 0;      ///< sum of (w / s - rint(w / s))^2
  Matrix<float> gradient;  ///< of that sum in W, the steps held still: 2 (w / s - rint(w / s)) / s
};

/// Of one matrix, s the steps that the options' rule gives it as it stands. Every multiple of s counts as a point, also
/// beyond the ends of the grid. Precondition: a grid of integers without zero points. Errors: those of checked_steps.
Expected<Pull> pull_to_codes(const Matrix<float>& W, const Options& options);

}  // namespace hallmark::trainer
