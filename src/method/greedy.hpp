// Greedy descent on the plain loss: of all changes of one code that of largest decrease, again and again (T19), until
// none is certain to lower the loss; then the best scale for the codes (T20), and again.
//
//   r = e G      decrease_j(x) = (x - q_j) (2 r_j - (x - q_j) G_jj)      s* = s (w G q) / (q G q)
//
// All of it is binary64, and a change is made only where its computed decrease is larger than what rounding did to it:
// under one scale the exact loss of a row falls with every change. A change of scale is made where s* is strictly
// nearer, so there it may rise by roundings, and whoever calls keeps the better (T17).
#pragma once

#include "method/descent.hpp"

namespace hallmark {

/// From the given codes and steps, at most `rounds` >= 1 times the changes and the scale, ending with changes; a row
/// whose scale no longer changes is done. With `fit` the scale is fitted, where a row has one. W is finite, `codes`
/// [rows, cols] and steps are of the grid. Columns with G_jj = 0 are rounded to nearest. Descended::sweeps: of the row
/// that took most rounds. Rows are independent; threads and vector width change no bit.
Descended descend_greedily(MatrixRef<float> W, const Grid& grid, ScaleStorage storage, MatrixRef<double> G,
                           const Matrix<Code>& codes, const Steps& steps, Index rounds, bool fit = true);

}  // namespace hallmark
