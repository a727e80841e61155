// The asymmetric target: the codes stand for w where the inputs of the layer have changed. X are the inputs of the
// float layer, X~ those behind layers that are quantized already; H = X~ X~^T, C = X X~^T, K = X X^T. With e = w - q:
//
//   |w X - q X~|^2 = w K w^T - 2 w C q^T + q H q^T
//                  = w (K - C - C^T + H) w^T + 2 (w (C - H)) e^T + e H e^T          (T23_inexact at w itself)
//
// The first line is what exact arithmetic decides, the second what is enclosed: its last term is the plain loss in H,
// and the others are zero where X~ = X. For w* = w + w (C - H)(H + lambda/2 I)^-1 it is a constant and the plain loss
// of w* - q, but for what damping adds: methods round w*, of which nothing else depends.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "method/factored.hpp"

namespace hallmark {

/// What is known of the inputs of the float layer, [cols, cols]: C, and K, which is symmetric.
struct FloatInputs {
  MatrixRef<double> C, K;
};

/// |w X - q X~|^2 - e H e^T of the rows of W [rows, cols], enclosed. Memory: 8 rows cols bytes; twice that and 16
/// cols^2 while it is made. C, K and W outlive it.
class AsymmetricTerm {
 public:
  /// H, C and K as for refuse_inputs.
  AsymmetricTerm(MatrixRef<float> W, MatrixRef<double> H, const FloatInputs& inputs);

  const FloatInputs& inputs() const { return inputs_; }

  /// Adds the term to enclosures of e H e^T, losses[k] of row rows[k]; everything where it overflows. Columns outside
  /// of target.order count too.
  void add(const Target& target, const Matrix<Code>& codes, std::span<const Index> rows, std::span<Loss> losses) const;

  /// w* of every row, by the factor of 2 H + lambda I in binary64, rounded to binary32; w itself, to the bit, where
  /// C = H. The same bits for any number of threads. Errors: E0503 it is beyond binary32.
  Expected<Matrix<float>> target(MatrixRef<float> W, const Factored& factored, std::string_view name) const;

 private:
  FloatInputs inputs_;
  Matrix<double> slope_;                  // w (C - H)
  std::vector<double> constant_, width_;  // w (K - C - C^T + H) w^T, within width_
  std::vector<double> slope_width_;       // |2 slope e^T| is off by at most this times |e|
};

/// What can be seen wrong with C and K for a weight of so many columns. Errors: E0322 another shape, not finite, or K
/// not symmetric.
Status refuse_inputs(const FloatInputs& inputs, Index columns, std::string_view name);

}  // namespace hallmark
