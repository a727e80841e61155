// Whether no change of one code lowers the loss of a row: what Coq calls one_opt, and what tells a reader that nothing
// is left for a descent that changes codes one at a time.
//
// By T19_one_opt it is enough, and necessary, that in every column with G_jj > 0 the point q_j of the code is as near
// to the centre t_j as any other; of points on a line that holds of all where it holds of the two neighbours. For
// these, with x the neighbour and delta = q_j - x, the sign of the change delta (2 (e G)_j + delta G_jj) is decided in
// binary64 with the bound of method/gradient.hpp, and by exact arithmetic where that leaves it open.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "method/options.hpp"
#include "scale/steps.hpp"

namespace hallmark {

/// Of each row of W [rows, cols], finite, under codes of the grid and their steps, in the stored G as factor_hessian
/// accepts it: whether every other code in any one column loses as much or more. None where the row is rotated or the
/// target asymmetric: a code then changes more than one number, or the loss is not e G e^T. The same for every number
/// of threads and SIMD target.
std::vector<std::optional<bool>> one_opt(MatrixRef<float> W, MatrixRef<double> G, const Options& options,
                                         const Steps& steps, const Matrix<Code>& codes);

}  // namespace hallmark
