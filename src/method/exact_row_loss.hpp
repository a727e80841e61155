// The exact loss of a row's codes.
#pragma once

#include "method/asymmetric.hpp"
#include "oracle/exact_loss.hpp"
#include "scale/steps.hpp"

namespace hallmark {

/// Losses in G [cols, cols], with the term of an asymmetric target where there is one; laid out for many rows.
inline oracle::ExactLoss exact_losses(MatrixRef<double> G, const AsymmetricTerm* asymmetric) {
  const auto entries = [](const Matrix<double>& M) { return std::span(M.data(), static_cast<std::size_t>(M.size())); };
  const Matrix<double> gram = G;  // without gaps between rows
  const auto n = static_cast<std::size_t>(G.cols());
  if (!asymmetric) return {entries(gram), n};
  const Matrix<double> C = asymmetric->inputs().C, K = asymmetric->inputs().K;
  return {entries(gram), n, entries(C), entries(K)};
}

/// The loss of q, the numbers of the codes, exactly; W finite, codes of the grid. The codes are [rows, cols] as W.
inline oracle::Dyadic exact_row_loss(const oracle::ExactLoss& G, MatrixRef<float> W, const Grid& grid,
                                     const Steps& steps, const Matrix<Code>& codes, Index row) {
  std::vector<float> w, scale;
  std::vector<double> point;
  std::vector<float> q(static_cast<std::size_t>(codes.cols()));
  const bool plain = steps.plain(row);
  if (!plain) decode_row(grid, steps, {&codes(row, 0), q.size()}, row, q);
  for (Index j = 0; j < codes.cols(); ++j) {
    w.push_back(W(row, j));
    scale.push_back(plain ? steps.scale(row, j) : 1);
    point.push_back(plain ? grid.value(codes(row, j), steps.zero(row, j)) : double{q[static_cast<std::size_t>(j)]});
  }
  return G.loss(w, scale, point);
}

}  // namespace hallmark
