#include "base/error_numbers.hpp"
#include "method/factored.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "linalg/buffer.hpp"
#include "linalg/finite.hpp"
#include "linalg/gram.hpp"
#include "linalg/hessian.hpp"

namespace hallmark {
namespace {

// The first entry (in blocks that fit the cache) where G differs from its transpose.
std::optional<Entry> first_asymmetry(MatrixRef<double> G) {
  constexpr Index kBlock = 64;
  for (Index i0 = 0; i0 < G.rows(); i0 += kBlock)
    for (Index j0 = i0; j0 < G.cols(); j0 += kBlock)
      for (Index i = i0; i < std::min(i0 + kBlock, G.rows()); ++i)
        for (Index j = std::max(j0, i + 1); j < std::min(j0 + kBlock, G.cols()); ++j)
          if (G(i, j) != G(j, i)) return Entry{i, j};
  return std::nullopt;
}

// The first entry that is larger than X X^T allows, |G_ij| <= sqrt(G_ii G_jj), beyond n roundings of a sum (Coq
// `T18_gram_bound`).
std::optional<Entry> first_impossible(MatrixRef<double> G) {
  // slack: (1 + (n + 1) * 2^-52) / (1 - 6 * u) <= 1 + 2^-30 for n <= 2^20, u = 2^-53
  const Vector<double> most = G.diagonal().array().sqrt() * (1 + 0x1p-30);
  bool fine = true;
#pragma omp parallel for schedule(static) reduction(&& : fine) if (G.size() > 1 << 16)
  for (Index i = 0; i < G.rows(); ++i) {
    bool mine = true;
    for (Index j = 0; j < G.cols(); ++j) mine &= std::fabs(G(i, j)) <= most[i] * most[j];
    fine = fine && mine;
  }
  for (Index i = 0; !fine && i < G.rows(); ++i)
    for (Index j = 0; j < G.cols(); ++j)
      if (!(std::fabs(G(i, j)) <= most[i] * most[j])) return Entry{i, j};
  return std::nullopt;
}

// What can be seen wrong with G at a glance; the factorization sees the rest.
std::optional<Error> refuse_gram(Index columns, MatrixRef<double> G, std::string_view name) {
  if (G.rows() != columns || G.cols() != columns)
    return Error{Exit::input, error_number::gram_malformed,
                 fmt::format("the Gram matrix of {} has another shape", name),
                 fmt::format("{} x {} for a weight of {} columns", G.rows(), G.cols(), columns),
                 "capture the inputs of this very layer"};
  const bool fine = symmetric_and_finite(G);
  if (const auto bad = fine ? std::nullopt : first_non_finite<double>(G))
    return Error{Exit::input, error_number::gram_malformed, fmt::format("the Gram matrix of {} is not finite", name),
                 fmt::format("entry ({}, {}): {}", bad->row, bad->column, G(bad->row, bad->column)),
                 "capture it again"};
  if (const auto bad = fine ? std::nullopt : first_asymmetry(G))
    return Error{Exit::input, error_number::gram_malformed, fmt::format("the Gram matrix of {} is not symmetric", name),
                 fmt::format("entries ({0}, {1}) and ({1}, {0}): {2:.17g} and {3:.17g}", bad->row, bad->column,
                             G(bad->row, bad->column), G(bad->column, bad->row)),
                 "store (G + G^T) / 2"};
  for (Index i = 0; i < G.rows(); ++i)
    if (!(G(i, i) >= 0) || (G(i, i) == 0 && (G.row(i).array() != 0.0).any()))
      return Error{
          Exit::input, error_number::gram_impossible, fmt::format("the Gram matrix of {} is not a Gram matrix", name),
          fmt::format("row {} has diagonal {:.6g}{}", i, G(i, i), G(i, i) == 0 ? " and entries that are not 0" : ""),
          G(i, i) == 0
              ? "store the sum over tokens as F64: in F16 a small square becomes 0 before the entries beside it"
              : "capture it again"};
  if (const auto bad = first_impossible(G))
    return Error{Exit::input, error_number::gram_impossible,
                 fmt::format("the Gram matrix of {} is not a Gram matrix", name),
                 fmt::format("entry ({}, {}) is {:.9g}, its diagonal allows {:.9g} at most", bad->row, bad->column,
                             G(bad->row, bad->column),
                             std::sqrt(G(bad->row, bad->row)) * std::sqrt(G(bad->column, bad->column))),
                 "store the sum over tokens as F64: entries rounded one by one need not be those of any"};
  return std::nullopt;
}

// The upper triangle of H in processing order; below the diagonal nothing is written. `overflow`: its first entry that
// is not finite, if any.
Matrix<double> ordered_hessian(MatrixRef<double> G, double lambda, const std::vector<Index>& order,
                               std::optional<Entry>* overflow = nullptr) {
  const auto n = static_cast<Index>(order.size());
  Matrix<double> H = fresh_matrix<double>(n, n);
  bool finite = true;
#pragma omp parallel for schedule(dynamic, 16) reduction(&& : finite) if (H.size() > 1 << 16)
  for (Index p = 0; p < n; ++p) {
    const Index row = order[static_cast<std::size_t>(p)];
    bool mine = true;
    for (Index q = p; q < n; ++q) {
      H(p, q) = 2 * G(row, order[static_cast<std::size_t>(q)]);
      mine &= std::fabs(H(p, q)) <= std::numeric_limits<double>::max();
    }
    H(p, p) += lambda;
    finite = finite && mine && std::isfinite(H(p, p));
  }
  for (Index p = 0; overflow && !finite && !*overflow && p < n; ++p)
    for (Index q = p; !*overflow && q < n; ++q)
      if (!std::isfinite(H(p, q))) *overflow = Entry{p, q};
  return H;
}

// The error of a failed factorization: with a damping fraction that works, found by doubling, unless one fails that
// covers whatever rounding to binary32 did to G; its dtype in the file is not known here. Entries rounded to binary32
// change x^T G x by at most 2^-24 (sum |x_i| sqrt(G_ii))^2 <= 2^-24 n mean(G_jj) |x|^2, a damping of 2 f mean(G_jj)
// hence pays for 2 G from f = 2^-24 n on; sums and factorization round less.
Error explain(const PivotFailure& failure, MatrixRef<double> G, double damp_fraction, const std::vector<Index>& order,
              std::string_view name, std::optional<Index> tokens) {
  Error error = not_positive_definite(failure);
  const auto where = [&](const PivotFailure& at, double fraction) {
    return fmt::format("pivot {} is {:.6g} with damping {}; {} columns{}", order[static_cast<std::size_t>(at.pivot)],
                       at.value, fraction, G.cols(), tokens ? fmt::format(", {} tokens", *tokens) : "");
  };
  const double of_rounding = 0x1p-22 * static_cast<double>(G.cols());
  std::optional<PivotFailure> failed = failure;
  double fraction = damp_fraction;
  while (failed && fraction < of_rounding) {
    fraction = 2 * std::max(0.005, fraction);
    Matrix<double> H = ordered_hessian(G, damping(G, fraction), order);
    Vector<double> d;
    failed = factor_udu_in_place(H, d);
  }
  if (failed)
    return {Exit::input, error_number::gram_impossible, fmt::format("the Gram matrix of {} is not a Gram matrix", name),
            where(*failed, fraction) + ": its negative eigenvalue is more than entries rounded to binary32 explain",
            "store the sum over tokens as F64: it has none, while entries rounded to BF16 or F16 may have"};
  error.what = fmt::format("the Hessian of {} is not positive definite", name);
  error.where = where(failure, damp_fraction);
  error.hint = fmt::format("--damp-fraction {}, which works here, or more calibration tokens", fraction);
  return error;
}

}  // namespace

std::vector<Index> processing_order(MatrixRef<double> G, double lambda, bool desc_act) {
  std::vector<Index> order;
  for (Index j = 0; j < G.cols(); ++j)
    if (lambda > 0 || G(j, j) > 0) order.push_back(j);
  const auto diagonal = [&](Index j) { return 2 * G(j, j) + lambda; };
  if (desc_act)
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return diagonal(a) > diagonal(b); });
  return order;
}

Expected<Factored> factor_hessian(Index columns, MatrixRef<double> G, double damp_fraction, bool desc_act,
                                  std::string_view name, std::optional<Index> tokens, Backend& compute) {
  if (const auto refused = refuse_gram(columns, G, name)) return *refused;
  return factor_accepted(G, damp_fraction, desc_act, name, tokens, compute);
}

Expected<Factored> factor_accepted(MatrixRef<double> G, double damp_fraction, bool desc_act, std::string_view name,
                                   std::optional<Index> tokens, Backend& compute) {
  Factored out;
  out.lambda = damping(G, damp_fraction);
  out.dead_columns = (G.diagonal().array() == 0.0).count();
  out.order = processing_order(G, out.lambda, desc_act);
  std::optional<Entry> bad_entry;
  Matrix<double> H = ordered_hessian(G, out.lambda, out.order, &bad_entry);
  if (bad_entry)
    return Error{Exit::numeric, error_number::gptq_overflow, fmt::format("the Hessian of {} overflows binary64", name),
                 fmt::format("entry ({}, {})", bad_entry->row, bad_entry->column), "rescale the activations"};
  const Vector<double> diag_H = H.diagonal();
  const Expected<std::optional<PivotFailure>> failure = compute.factor(H, out.factor.d);
  if (!failure) return failure.error();
  if (*failure) return explain(**failure, G, damp_fraction, out.order, name, tokens);
  out.factor.U = std::move(H);
  Vector<double> diag_2G(diag_H.size());
  for (std::size_t p = 0; p < out.order.size(); ++p) diag_2G[static_cast<Index>(p)] = 2 * G(out.order[p], out.order[p]);
  out.model = loss_weights(out.factor.d, diag_H, diag_2G);
  return out;
}

}  // namespace hallmark
