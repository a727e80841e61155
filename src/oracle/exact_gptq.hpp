// GPTQ, RTN, the guard and T1 in exact rationals, from the definitions: for small sizes, fixtures and the replay of
// solver models. Matrices are n * n, row-major.
#pragma once

#include <gmpxx.h>

#include <optional>
#include <span>
#include <vector>

#include "oracle/exact_grid.hpp"

namespace hallmark::oracle {

using Rationals = std::vector<mpq_class>;

/// H = U D U^T, U unit upper triangular.
struct ExactFactor {
  Rationals U, d;
};

/// H symmetric. Nothing where a pivot is not positive.
std::optional<ExactFactor> exact_factor(const Rationals& H, std::size_t n);

/// 2 G + lambda I.
Rationals exact_hessian(const Rationals& G, const mpq_class& lambda, std::size_t n);

/// One row as a quantizer saw it.
struct ExactRow {
  Rationals u;       ///< what was rounded
  Rationals q;       ///< s_j g_j
  Rationals margin;  ///< of each decision (Nearest::margin)
  std::vector<Code> codes;
  std::size_t clipped = 0;
};

/// u_j = w_j + sum_{k<j} (w_k - q_k) U_kj, q_j = nearest(u_j).
ExactRow exact_gptq(const ExactFactor& factor, const ExactGrid& grid, const Rationals& w, const Rationals& scale);

/// q_j = nearest(w_j).
ExactRow exact_rtn(const ExactGrid& grid, const Rationals& w, const Rationals& scale);

/// (w - q) M (w - q)^T.
mpq_class exact_loss_of(const Rationals& M, const Rationals& w, const Rationals& q);

/// sum_j d_j (u_j - q_j)^2 with u at the codes q: T1 says that it is the loss in H = U D U^T, for any q.
mpq_class exact_identity(const ExactFactor& factor, const Rationals& w, const Rationals& q);

/// Both sides of loss_G(GPTQ) <= loss_G(RTN), with GPTQ run on 2 G + lambda I: what a solver's model claims, evaluated.
/// Nothing where that matrix is not positive definite.
struct Comparison {
  ExactRow gptq, rtn;
  mpq_class loss_gptq, loss_rtn;
  /// T6: the loss of the better one; GPTQ keeps a tie.
  const mpq_class& guarded() const { return loss_rtn < loss_gptq ? loss_rtn : loss_gptq; }
};
std::optional<Comparison> compare_methods(const Rationals& G, const mpq_class& lambda, const ExactGrid& grid,
                                          const Rationals& w, const Rationals& scale);

}  // namespace hallmark::oracle
