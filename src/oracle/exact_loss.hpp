// The plain loss e G e^T of one row in exact arithmetic: what decides when enclosures cannot. Nothing here is shared
// with the code that it judges.
#pragma once

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

/// The same for one row.
inline Dyadic exact_loss(std::span<const float> w, std::span<const float> scale, std::span<const double> point,
                         std::span<const double> gram) {
  return ExactGram(gram, w.size()).loss(w, scale, point);
}

}  // namespace hallmark::oracle
