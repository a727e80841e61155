// Which diagonal to take from a Gram matrix so that T21's lower bound is large. A search: nothing depends on how good
// it is, because what is left of G is factored before anything is said.
#pragma once

#include <optional>

#include "linalg/matrix.hpp"

namespace hallmark {

/// delta >= 0 with G - delta about to become indefinite, and sum_j weight_j delta_j as large as a few passes make it.
/// G [n, n] symmetric, its upper triangle is read; weight [n], not negative. O(n^3) operations, of which n^3/2 are
/// sums of products, all in one order. Memory: 16 n^2 bytes. None where G has no factor with positive pivots.
std::optional<Vector<double>> lower_diagonal(const Matrix<double>& G, const Vector<double>& weight);

}  // namespace hallmark
