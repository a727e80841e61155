// The three Gram matrices that an asymmetric target reads: X are the inputs of a layer in the float model, X~ those
// behind quantized layers, over the same tokens.
#pragma once

#include "base/error.hpp"
#include "linalg/gram.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// H = X~ X~^T, C = X X~^T, K = X X^T, [cols, cols] each.
struct TargetGrams {
  Index tokens = 0;
  Matrix<double> H, C, K;
};

/// Blocks of the Gram matrix of X and X~ side by side. So every entry is a sum in the order of GramAccumulator, with
/// its chunks and its error; H has the bits of a GramAccumulator over X~ alone, K those of one over X, and C is H where
/// X~ = X.
class TargetAccumulator {
 public:
  explicit TargetAccumulator(Index columns, Index chunk = kGramChunk) : columns_(columns), sum_(2 * columns, chunk) {}

  /// Appends tokens, [tokens, columns] each. Errors (nothing is added then): E0324 other shapes; E0325.
  Status add(MatrixRef<float> X, MatrixRef<float> behind);

  Index tokens() const { return sum_.tokens(); }
  TargetGrams grams() const;

 private:
  Index columns_;
  GramAccumulator sum_;
};

}  // namespace hallmark
