// The exact plain loss of a row's codes.
#pragma once

#include "linalg/matrix.hpp"
#include "oracle/exact_loss.hpp"
#include "scale/steps.hpp"

namespace hallmark {

/// e G e^T with e = w - q, exactly, q the numbers of the codes; W finite, codes of the grid. The codes are [rows, cols]
/// as W.
inline oracle::Dyadic exact_row_loss(const oracle::ExactGram& G, MatrixRef<float> W, const Grid& grid,
                                     const Steps& steps, const Matrix<Code>& codes, Index row) {
  std::vector<float> w, scale;
  std::vector<double> point;
  std::vector<float> q(static_cast<std::size_t>(codes.cols()));
  const bool rotated = steps.rotation.of_row(row);
  if (rotated) decode_row(grid, steps, {&codes(row, 0), q.size()}, row, q);
  for (Index j = 0; j < codes.cols(); ++j) {
    w.push_back(W(row, j));
    scale.push_back(rotated ? 1 : steps.scale(row, j));
    point.push_back(rotated ? q[static_cast<std::size_t>(j)] : grid.value(codes(row, j), steps.zero(row, j)));
  }
  return G.loss(w, scale, point);
}

}  // namespace hallmark
