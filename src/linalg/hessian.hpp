// H = 2 G + lambda I, the matrix that GPTQ factors, and the damping lambda.
#pragma once

#include "linalg/matrix.hpp"

namespace hallmark {

/// lambda = fraction * mean(diag(2 G)), the mean a sum over increasing columns and one division. G is [n, n], n > 0.
double damping(MatrixRef<double> G, double fraction);

/// H_ij = 2 G_ij (exact), H_jj = fl(2 G_jj + lambda): one rounding, which the losses account for.
Matrix<double> hessian(MatrixRef<double> G, double lambda);

}  // namespace hallmark
