// Round to nearest: q_ij = nearest(w_ij) on the grid s_ij {g}, the quantizer that needs no calibration.
#pragma once

#include "method/method.hpp"

namespace hallmark {

/// codes_ij = nearest(fl(w_ij + 0), s_ij): a weight of -0 is read as +0, as in a recurrence whose sum is empty.
/// W is finite, the steps are the grid's.
Rounded round_to_nearest(MatrixRef<float> W, const Grid& grid, const Steps& steps);

/// The same in the columns outside of target.order, clipped codes counted; nothing where there is none.
void round_left_out(const Target& target, Rounded& rounded);

/// The number of every code, s g or in a rotated row that of decode_row, in binary32: exact for the steps of every
/// rule. For a given scale ask Grid::exact_in_binary32, or take dequantize_f64.
Matrix<float> dequantize(const Matrix<Code>& codes, const Steps& steps, const Grid& grid);

/// The same in binary64: always exact (24 + 13 bits; rotated rows are exact in binary32).
Matrix<double> dequantize_f64(const Matrix<Code>& codes, const Steps& steps, const Grid& grid);

}  // namespace hallmark
