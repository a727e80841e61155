// The loss of one row in exact arithmetic, plain or against an asymmetric target: what decides when enclosures cannot.
// Nothing here is shared with the code that it judges.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "oracle/digits.hpp"
#include "oracle/dyadic.hpp"

namespace hallmark::oracle {

/// A Gram matrix laid out once for the exact losses of many rows. Const use from several threads at once is fine.
class ExactGram {
 public:
  /// gram: n * n, row-major, finite, symmetric (only entries with j >= i are read). 8 n^2 bytes as a rule, more where
  /// the entries of a row differ by more than 2^59.
  ExactGram(std::span<const double> gram, std::size_t n);

  std::size_t columns() const { return above_.size(); }

  /// sum_ij e_i G_ij e_j with e_j = w_j - scale_j point_j, exactly. w, scale, point: n finite numbers.
  Dyadic loss(std::span<const float> w, std::span<const float> scale, std::span<const double> point) const;

 private:
  std::vector<Digits> above_;  // row i: G_i,i+1, .., G_i,n-1
  std::vector<Dyadic> diagonal_;
};

/// The loss of codes in G or, where the layer is to do what a float one does on inputs of its own, against these.
class ExactLoss {
 public:
  /// The plain loss in gram, as ExactGram.
  ExactLoss(std::span<const double> gram, std::size_t n) : gram_(gram, n) {}
  /// |w X - q X~|^2 = w K w^T - 2 w C q^T + q G q^T: cross is C = X X~^T, inputs is K = X X^T; n * n, finite, K
  /// symmetric.
  ExactLoss(std::span<const double> gram, std::size_t n, std::span<const double> cross, std::span<const double> inputs);

  /// Of the row q_j = scale_j point_j.
  Dyadic loss(std::span<const float> w, std::span<const float> scale, std::span<const double> point) const;

 private:
  ExactGram gram_;
  std::optional<ExactGram> inputs_;
  std::vector<Digits> cross_;  // row i: C_i0, .., C_i,n-1
};

}  // namespace hallmark::oracle
