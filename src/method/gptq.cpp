#include "method/gptq.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "linalg/buffer.hpp"
#include "linalg/finite.hpp"
#include "linalg/hessian.hpp"
#include "method/evidence.hpp"
#include "method/guard.hpp"

namespace hallmark {
namespace {

constexpr int kRemedies = 8;  // factorizations spent on finding a damping that works

// Finite and equal to its transpose, in one pass over pairs of tiles of one cache line by as many rows.
bool symmetric_and_finite(MatrixRef<double> G) {
  constexpr Index kTile = 8;
  const Index n = G.rows(), stride = G.outerStride();
  bool fine = true;
#pragma omp parallel for schedule(dynamic, 4) reduction(&& : fine) if (G.size() > 1 << 16)
  for (Index i0 = 0; i0 < n; i0 += kTile) {
    bool mine = true;
    const auto compare = [&](Index j0, Index rows, Index columns) {
      const double *a = G.data() + i0 * stride + j0, *b = G.data() + j0 * stride + i0;
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j) {
          const double x = a[i * stride + j];
          mine &= (x == b[j * stride + i]) & (std::fabs(x) <= std::numeric_limits<double>::max());
        }
    };
    Index j0 = i0;
    for (; j0 + kTile <= n; j0 += kTile) compare(j0, kTile, kTile);
    if (j0 < n) compare(j0, std::min(kTile, n - i0), n - j0);
    fine = fine && mine;
  }
  return fine;
}

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

// What can be seen wrong with G at a glance; the factorization sees the rest.
std::optional<Error> refuse_gram(MatrixRef<float> W, MatrixRef<double> G, std::string_view name) {
  if (G.rows() != W.cols() || G.cols() != W.cols())
    return Error{Exit::input, 322, fmt::format("the Gram matrix of {} has another shape", name),
                 fmt::format("{} x {} for a weight of {} columns", G.rows(), G.cols(), W.cols()),
                 "capture the inputs of this very layer"};
  const bool fine = symmetric_and_finite(G);
  if (const auto bad = fine ? std::nullopt : first_non_finite<double>(G))
    return Error{Exit::input, 322, fmt::format("the Gram matrix of {} is not finite", name),
                 fmt::format("entry ({}, {}): {}", bad->row, bad->column, G(bad->row, bad->column)),
                 "capture it again"};
  if (const auto bad = fine ? std::nullopt : first_asymmetry(G))
    return Error{Exit::input, 322, fmt::format("the Gram matrix of {} is not symmetric", name),
                 fmt::format("entries ({0}, {1}) and ({1}, {0}): {2:.17g} and {3:.17g}", bad->row, bad->column,
                             G(bad->row, bad->column), G(bad->column, bad->row)),
                 "store (G + G^T) / 2"};
  for (Index i = 0; i < G.rows(); ++i)
    if (!(G(i, i) >= 0) || (G(i, i) == 0 && (G.row(i).array() != 0.0).any()))
      return Error{
          Exit::input, 323, fmt::format("the Gram matrix of {} is not a Gram matrix", name),
          fmt::format("row {} has diagonal {:.6g}{}", i, G(i, i), G(i, i) == 0 ? " and entries that are not 0" : ""),
          "capture it again"};
  return std::nullopt;
}

// The upper triangle of H in processing order; below the diagonal nothing is written. `overflow`: its first entry that
// is not finite, if any.
Matrix<double> ordered_hessian(MatrixRef<double> G, double lambda, const std::vector<Index>& order,
                               std::optional<Entry>* overflow = nullptr) {
  const auto n = static_cast<Index>(order.size());
  Matrix<double> H(n, n);
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

// The error of a failed factorization, with a damping fraction that works, found by doubling.
Error explain(const PivotFailure& failure, MatrixRef<double> G, const Options& options, const std::vector<Index>& order,
              std::string_view name, std::optional<Index> tokens) {
  Error error = not_positive_definite(failure);
  error.what = fmt::format("the Hessian of {} is not positive definite", name);
  error.where =
      fmt::format("pivot {} is {:.6g} with damping {}; {} columns", order[static_cast<std::size_t>(failure.pivot)],
                  failure.value, options.damp_percent, G.cols());
  if (tokens) error.where += fmt::format(", {} tokens", *tokens);
  double fraction = std::max(0.005, options.damp_percent);
  for (int attempt = 0; attempt < kRemedies; ++attempt) {
    fraction *= 2;
    Matrix<double> H = ordered_hessian(G, damping(G, fraction), order);
    Vector<double> d;
    if (factor_udu_in_place(H, d)) continue;
    error.hint = fmt::format("--damp-percent {}, which works here, or more calibration tokens", fraction);
    return error;
  }
  error.hint = fmt::format("another calibration: no damping up to {} helps, so this is not a Gram matrix", fraction);
  return error;
}

// RTN's codes as the recurrence's starting point: it overwrites the columns of the order, the others stay and count.
Rounded start(const Rounded& rtn, const Target& target) {
  const bool all = std::ssize(target.order) == target.W.cols();
  Rounded rounded{all ? fresh_matrix<Code>(target.W.rows(), target.W.cols()) : rtn.codes,
                  std::vector<Index>(static_cast<std::size_t>(target.W.rows()), 0)};
  if (all) return rounded;
  std::vector<bool> left_out(static_cast<std::size_t>(target.W.cols()), true);
  for (const Index j : target.order) left_out[static_cast<std::size_t>(j)] = false;
  for (Index j = 0; j < target.W.cols(); ++j)
    for (Index i = 0; left_out[static_cast<std::size_t>(j)] && i < target.W.rows(); ++i)
      rounded.clipped[static_cast<std::size_t>(i)] +=
          target.grid.clipped(target.W(i, j), scale_at(target.scales, target.group_size, i, j));
  return rounded;
}

// 0, 1, .., count - 1.
std::vector<Index> first_indices(Index count) {
  std::vector<Index> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), Index{0});
  return indices;
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

Expected<Quantized> quantize_gptq(MatrixRef<float> W, MatrixRef<double> G, const Options& options,
                                  const std::optional<Matrix<float>>& given_scales, std::string_view tensor_name,
                                  std::optional<Index> tokens, Observer* observer, Backend* backend) {
  Backend cpu;
  Backend& compute = backend ? *backend : cpu;
  auto scales = checked_scales(W, options, given_scales);
  if (!scales) return scales.error();
  if (const auto refused = refuse_gram(W, G, tensor_name)) return *refused;

  Quantized result;
  result.method = Method::gptq;
  result.group_size = options.group_size;
  result.scales = *std::move(scales);
  result.lambda = damping(G, options.damp_percent);
  result.dead_columns = (G.diagonal().array() == 0.0).count();
  const std::vector<Index> order = processing_order(G, result.lambda, options.desc_act);
  const Target target{W, options.grid, result.scales, options.group_size, order};

  std::optional<Entry> bad_entry;
  Matrix<double> H = ordered_hessian(G, result.lambda, order, &bad_entry);
  if (bad_entry)
    return Error{Exit::numeric, 503, fmt::format("the Hessian of {} overflows binary64", tensor_name),
                 fmt::format("entry ({}, {})", bad_entry->row, bad_entry->column), "rescale the activations"};
  const Vector<double> diag_H = H.diagonal();
  Factor factor;
  const Expected<std::optional<PivotFailure>> failure = compute.factor(H, factor.d);
  if (!failure) return failure.error();
  if (*failure) return explain(**failure, G, options, order, tensor_name, tokens);
  factor.U = std::move(H);

  Rounded rtn;  // where somebody asks for it
  if (options.guard || observer || std::ssize(order) < W.cols())
    rtn = round_to_nearest(W, options.grid, result.scales, options.group_size);
  Rounded gptq = start(rtn, target);
  Vector<double> diag_2G(diag_H.size());
  for (std::size_t p = 0; p < order.size(); ++p) diag_2G[static_cast<Index>(p)] = 2 * G(order[p], order[p]);
  LossModel model = loss_weights(factor.d, diag_H, diag_2G);
  const auto widened = [&]() -> const LossModel& {
    if (model.U.columns() == 0) model.U = UpperStrips<double>(factor.U);
    return model;
  };
  std::vector<LossSums> sums;
  const RowSums row_sums{model, sums};
  const UpperStrips<float> U(factor.U);
  RowSink sink;
  if (observer)
    sink = [&](Index first, Index count, const float* u) {
      observer->rows({target, U, factor.d, gptq.codes, first, count, u});
    };
  const Expected<std::optional<Entry>> overflow =
      compute.recurrence(target, U, options.block_size, gptq, sink, options.guard ? &row_sums : nullptr);
  if (!overflow) return overflow.error();
  if (const auto bad = *overflow)
    return Error{Exit::numeric, 503, fmt::format("the compensated weights of {} overflow binary32", tensor_name),
                 fmt::format("row {}, column {}", bad->row, bad->column),
                 "a larger --damp-percent, or rescale the tensor"};

  result.row_is_rtn.assign(gptq.clipped.size(), 0);
  if (options.guard) {
    const FirstStage first{U, sums, widened};
    Expected<Guarded> guarded = guard(model, target, G, gptq.codes, rtn.codes, &first, &compute);
    if (!guarded) return guarded.error();
    result.row_is_rtn = std::move(guarded->row_is_rtn);
    result.exact_rows = guarded->exact_rows;
    result.enclosed_gptq = std::move(guarded->gptq);
    result.enclosed_rtn = std::move(guarded->rtn);
  } else if (observer) {
    Expected<std::vector<Loss>> losses = compute.losses(widened(), target, gptq.codes, first_indices(W.rows()));
    if (!losses) return losses.error();
    result.enclosed_gptq = *std::move(losses);
  }
  for (std::size_t i = 0; i < result.row_is_rtn.size(); ++i) {
    const bool keep_rtn = result.row_is_rtn[i] != 0;
    if (keep_rtn) gptq.codes.row(static_cast<Index>(i)) = rtn.codes.row(static_cast<Index>(i));
    result.guard_rows += keep_rtn;
    result.clipped += keep_rtn ? rtn.clipped[i] : gptq.clipped[i];
    if (!options.guard) continue;
    result.loss_rtn.push_back(result.enclosed_rtn[i].value);
    result.loss_gptq.push_back(result.enclosed_gptq[i].value);
    result.loss_final.push_back(keep_rtn ? result.loss_rtn.back() : result.loss_gptq.back());
  }
  result.codes = std::move(gptq.codes);
  if (observer)
    observer->tensor({tensor_name, W, options, result, rtn.codes, order, &G, &model, &diag_H, &factor.U, widened});
  return result;
}

}  // namespace hallmark
