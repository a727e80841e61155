// The Gram matrix of the calibration activations, G = X X^T with X = (tokens x columns)^T.
#pragma once

#include <optional>
#include <vector>

#include "base/error.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// Whether G is finite and equal to its transpose.
bool symmetric_and_finite(MatrixRef<double> G);

/// G_ab = sum_t x_ta x_tb, tokens increasing, from +0, each term by one fma of the widened binary32 activations; so
/// the bits depend on neither the chunks in which tokens arrive, nor threads, nor vector width. Symmetric bit for bit.
/// Error against the exact sum: T11 (b).
class GramAccumulator {
 public:
  explicit GramAccumulator(Index columns);

  /// Appends tokens: X is [tokens, columns]. Errors (nothing is added then): E0324 other width, E0325 an activation
  /// that is not finite. No sum can overflow or underflow: a product of two binary32 numbers is below 2^256 and a
  /// multiple of 2^-298.
  Status add(MatrixRef<float> tokens_by_columns);

  Index columns() const { return columns_; }
  Index tokens() const { return tokens_; }

  /// The full symmetric matrix [columns, columns].
  Matrix<double> gram() const;

 private:
  Index columns_;
  Index padded_;  // columns rounded up to whole lanes
  Index tokens_ = 0;
  std::vector<double> sum_;  // [padded, padded], rows b <= lanes a only
};

/// E0324 or E0325 where X does not continue `tokens` tokens of that many columns; the refusals of GramAccumulator::add.
std::optional<Error> refuse_tokens(MatrixRef<float> X, Index columns, Index tokens);

/// The plain twin: one loop over pairs, one over tokens. The input is finite.
Matrix<double> gram_ref(MatrixRef<float> tokens_by_columns);

/// G + other, entry by entry, one addition each: the Gram matrix of both sets of tokens, but NOT the bits of one run
/// over all of them (that is another order of the same sums). Errors: E0324 shapes differ, E0502 a sum is not finite.
Expected<Matrix<double>> merge_gram(MatrixRef<double> G, MatrixRef<double> other);

}  // namespace hallmark
