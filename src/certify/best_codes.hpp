// The least loss of any codes of a row, by bounded enumeration (T21), for few columns.
//
// H is G with 2^-36 of its diagonal added, so that it has positive pivots where G is singular, and t = e U by its
// factor. With the largest |e_j| that the grid allows, A = sum_j |e_j| sqrt(H_jj) and E = sum_j (H_jj - G_jj) e_j^2:
// codes that lose at most L in G lose at most L + E in H, so their first terms sum_{k<=j} d_k t_k^2 stay within
// L + E + g' A^2 (T15, T21_candidates with the computed factor's U D U^T), and as they are computed within
//
//   (sqrt(L + E + g' A^2) + rho)^2 (1 + 2^-20) + 2^-300      (method/loss.hpp: g', rho and what they cover)
//
// L is the least exact loss of the codes met so far; column after column the nearest points come first. What is left at
// the end are the best codes of all (T21_optimum).
#pragma once

#include <optional>

#include "linalg/factor.hpp"
#include "oracle/exact_loss.hpp"
#include "scale/steps.hpp"

namespace hallmark {

class BestCodes {
 public:
  static constexpr Index kMostColumns = 16;
  static constexpr long kMostPoints = 1L << 18;  ///< that are looked at for a row

  /// G [n, n] symmetric. None for no column or more than kMostColumns, or where H has no factor or is out of the range
  /// of method/loss.hpp.
  static std::optional<BestCodes> make(const Matrix<double>& G, const Grid& grid);

  /// The least loss of row i of W under its steps, exactly; columns: those of W that G has. None where more than
  /// kMostPoints would have to be looked at, or the errors are out of range. From several threads at once is fine.
  std::optional<oracle::Dyadic> least_loss(MatrixRef<float> W, const Steps& steps, Index i,
                                           const std::vector<Index>& columns) const;

 private:
  struct Search;
  BestCodes(const Matrix<double>& G, Factor factor, const Vector<double>& diag_H, const Grid& grid);

  Factor factor_;
  Vector<double> root_, excess_;  // sqrt(H_jj), H_jj - G_jj
  std::vector<double> values_;    // of the grid, increasing, without zero points
  oracle::ExactGram exact_;
};

}  // namespace hallmark
