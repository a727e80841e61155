// A correction of low rank beside the codes: in place of its numbers q, a row i stands for q + A_i B, A [rows, rank]
// and B [rank, cols] as files store them. What it stands for is a row of binary32 numbers, rounded in one order,
//
//   x_j = q_j;   x_j = fma(A_ik, B_kj, x_j) in binary32 for k = 0 .. rank - 1,
//
// so that guard, certificate and checkers judge the very numbers that `dequantize` writes (T28 is about any A and B). A
// row of zeros in A corrects nothing, to the bit.
#pragma once

#include <span>

#include "linalg/matrix.hpp"

namespace hallmark {

struct LowRank {
  Matrix<float> A;  ///< [rows, rank]
  Matrix<float> B;  ///< [rank, cols]

  bool any() const { return B.size() != 0; }
  /// Whether row i is corrected.
  bool of_row(Index i) const { return any() && (A.row(i).array() != 0.0F).any(); }
};

/// The numbers x [cols] of row i, corrected in place.
void correct_row(const LowRank& correction, Index i, std::span<float> x);

}  // namespace hallmark
