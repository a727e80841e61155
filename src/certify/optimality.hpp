// How little any codes of a row's grid and step can lose, proved (T21): what tells a reader how far from the best
// possible a row is.
//
// With a diagonal delta taken from G, what is left is H = G - delta, rounded, and its factorization in binary64 has
// positive pivots (T21_factored_ieee). Then for every row q of points of the grid, e = w - q, with the distances dist_j
// of the weights from it and n columns that are not dead
//
//   e G e^T >= sum_j c_j dist_j^2,   c_j = G_jj - H_jj - n (n + 2) 2^-53 H_jj,   where all c_j >= 0.
//
// c_j is rounded down, and the sum, of n terms with n + 5 roundings each at most, is made smaller by (n + 8) 2^-52 of
// itself. Underflow adds less than n 2^-1074, so a sum below 2^-900 counts as 0.
//
// A row of at most 16 columns has the loss of its best codes themselves (certify/best_codes.hpp), rounded down.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "method/options.hpp"
#include "scale/steps.hpp"

namespace hallmark {

/// Of a row: no codes of its grid under its steps lose less than `lower` in the stored G.
struct Optimality {
  std::optional<double> lower;  ///< finite
  std::string by;               ///< the theorem, or why there is no lower bound
  friend bool operator==(const Optimality&, const Optimality&) = default;
};

/// What `by` can be.
namespace optimality_by {
inline constexpr const char *optimum = "T21_optimum",              ///< lower is the least loss itself, rounded down
    *diagonal = "T21_factored_ieee",                               ///< a diagonal was taken from G
        *singular = "G less any diagonal has no positive pivots",  ///< in binary64
            *rotated = "the row is rotated",                       ///< its codes are points of another basis
                *corrected = "the row is corrected",               ///< what it stands for is no row of points
                    *asymmetric = "the target is asymmetric";      ///< its loss is not e G e^T
}  // namespace optimality_by

/// c, rounded down, for H = fl(G - delta); G [n, n] symmetric, n > 0, delta [n]. None where H has a pivot that is not
/// positive or a diagonal that is out of range (Coq `sane_diagonal`), or where some c_j would be negative.
std::optional<Vector<double>> shown_weights(const Matrix<double>& G, const Vector<double>& delta);

/// One for each row of W [rows, cols], finite; G [cols, cols] a Gram matrix as factor_hessian accepts it (symmetric,
/// zero in the rows of dead columns), steps of the grid. The same bits for every number of threads and SIMD target.
std::vector<Optimality> optimality(MatrixRef<float> W, MatrixRef<double> G, const Options& options, const Steps& steps);

}  // namespace hallmark
