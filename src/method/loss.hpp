// Enclosures of the plain loss loss_G(w - q) = e G e^T of every row, O(cols) after one triangular product, by T1.
//
// With t = e U (U, d the computed binary64 factor of the stored H) and R = H - U D U^T:
//
//   2 loss_G = e H e^T - e (H - 2 G) e^T = sum_j d_j t_j^2 + e R e^T - sum_j (H_jj - 2 G_jj) e_j^2
//
// H - 2 G is diagonal: H_ij = 2 G_ij exactly off the diagonal, H_jj = fl(2 G_jj + lambda) on it. Nothing is formed to
// bound what is not computed exactly; with A = sum_j |e_j| sqrt(H_jj) and n columns:
//
//   residual   |e R e^T| <= g' A^2 with g' = (n + 2) 2^-53                      (T15, Coq `T15_form_binary64`)
//   product    |t'_j - t_j| <= c sum_k |e_k| |U_kj|, c = (n + 2) 2^-53 (T11: the chain, and e rounded once), and
//              by Minkowski and sum_j d_j U_kj^2 <= (1 + g') H_kk, in the norm N(x)^2 = sum_j d_j x_j^2:
//              N(t' - t) <= c A (1 + g'), so |N(t)^2 - N(t')^2| <= 2 N(t') rho + rho^2, rho = c A (1 + g')
//              (Coq `loss_enclosure_closed`; the zeros below U's diagonal leave a chain where it is: `chain_zero_tail`)
//   sums       n terms, few roundings each: (n + 8) 2^-52 of the sum of their absolute values
//   underflow  below 2^-300 in all, provided that every d_j and the trace of H lie in [2^-400, 2^400] and sum |e_j| <=
//   2^150
//
// A factor 1 + 2^-20 covers the roundings of the bound itself and all products of such terms (T30, Coq
// `T30_guard_ieee` and `T30_guard_binary32_ieee`: both programs, operation by operation). T15 asks for at most 2^24
// columns and a diagonal of H within a factor 2^64; where one of these conditions fails the enclosure is everything.
//
// The same in the format of the recurrence, wider and at half the price: e rounded to binary32, U as the recurrence
// reads it, t' by chains in binary32, the sums still in binary64. Then g' = 2^-23 + 2^-46 + (n + 2) 2^-53 (Coq
// `T15_form_binary32`), c = x (1 + x) with x = (n + 1) 2^-24, for at most 2^20 columns (Coq `loss_enclosure32`); and
// with hmax the largest H_jj
//
//   underflow  rho grows by n^2 2^-147 sqrt(hmax) (Coq `under_product32`)
//   errors     |e_j| <= (1 + 2^-23) |e'_j| + 2^-149: A grows by n 2^-149 sqrt(hmax), the sum over the excess by
//              2^-21 of itself and 2^-148 sqrt(hmax) A
//
// For GPTQ's codes the recurrence has these chains already: t_j = fl(r_j + e_j).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "linalg/factor.hpp"
#include "method/recurrence.hpp"

namespace hallmark {

/// What the losses need of H, in processing order.
struct LossModel : LossWeights {
  UpperStrips<double> U;
  double largest = 0;     ///< the largest H_jj
  bool in_range = false;  ///< the conditions of T15 and of the underflow term hold
};

/// The model without U: what the recurrence and the binary32 stage need.
LossModel loss_weights(const Vector<double>& d, const Vector<double>& diag_H, const Vector<double>& diag_2G);

/// The model of H = hessian(G, lambda) with its factor; diag_H and diag_2G in processing order.
LossModel loss_model(const Factor& factor, const Vector<double>& diag_H, const Vector<double>& diag_2G);

/// The constant g' of T15 for n columns: (n + 2) 2^-53, Coq `residual64`.
double residual_constant(Index n);

/// Encloses the loss of the given rows of W against the codes; columns outside target.order count nothing (their row
/// and column of G are zero). One Loss for each of `rows`, in that order. With an asymmetric target its term is in
/// them.
std::vector<Loss> enclose_losses(const LossModel& model, const Target& target, const Matrix<Code>& codes,
                                 std::span<const Index> rows);

/// The enclosures in binary64 of some rows' losses; empty as long as none is known.
using KnownLosses = std::vector<std::optional<Loss>>;

/// The enclosure from the sums, in the order above, and absolute = sum |e_j|.
Loss enclose_binary64(const LossModel& model, const LossSums& sums, double absolute);

/// The same from binary32 sums, of the recurrence (all rows) or
Loss enclose_binary32(const LossModel& model, const LossSums& sums);

/// of any codes; U is the factor rounded to binary32. model.U is not used.
std::vector<Loss> enclose_losses_binary32(const LossModel& model, const UpperStrips<float>& U, const Target& target,
                                          const Matrix<Code>& codes, std::span<const Index> rows);

}  // namespace hallmark
