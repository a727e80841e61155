// H = U D U^T with U unit UPPER triangular: the one factorization behind GPTQ, and the losses by T1.
#pragma once

#include <optional>

#include "base/error.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// U unit upper triangular [n, n], zeros below; d > 0, finite.
struct Factor {
  Matrix<double> U;
  Vector<double> d;
};

/// The pivot d_j that is not a positive finite number: H is not positive definite (in this arithmetic).
struct PivotFailure {
  Index pivot = 0;
  double value = 0;
};

/// For columns j = n-1, .., 0 and i <= j:
///   C_ij = H_ij - sum over k = n-1 down to j+1 of C_ik U_jk, one fma per term; d_j = C_jj; U_ij = C_ij / d_j (i < j).
/// H [n, n] is read in its upper triangle and overwritten there by U; below the diagonal it has no meaning after; d is
/// resized to n. On failure H and d hold intermediate values, and the failing pivot is the same for every block size,
/// thread count and vector width, like every bit of the result. Residual: T15, |H - U D U^T|_ij <= g sum_k |U_ik| d_k
/// |U_jk|. block: columns factored at a time; 0: an eighth of n, but 96 to 192 (narrow blocks leave less to one thread
/// alone, wide ones pass over H less often).
[[nodiscard]] std::optional<PivotFailure> factor_udu_in_place(Matrix<double>& H, Vector<double>& d, Index block = 0);

/// The same on a copy; the failure as an Error (E0501, exit 5) that names pivot and value.
Expected<Factor> factor_udu(Matrix<double> H, Index block = 0);

/// The plain twin.
Expected<Factor> factor_udu_ref(MatrixRef<double> H);

/// E0501 for a pivot, without the tensor's name and a remedy, which the caller knows.
Error not_positive_definite(const PivotFailure& failure);

}  // namespace hallmark
