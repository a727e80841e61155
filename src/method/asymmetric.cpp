#include "method/asymmetric.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error_numbers.hpp"
#include "linalg/buffer.hpp"
#include "linalg/finite.hpp"
#include "linalg/gram.hpp"
#include "method/row_lanes.hpp"

namespace hallmark {
namespace {

constexpr Index kRows = 8;  // side by side

// The Frobenius norm or more, 0 where all entries are 0: rows are summed by themselves, so that no term passes more
// than 2 n roundings, and squares that underflow are covered by 2^-500.
double norm_above(const Matrix<double>& M) {
  double sum = 0;
  bool zero = true;
  for (Index i = 0; i < M.rows(); ++i) {
    double row = 0;
    for (Index j = 0; j < M.cols(); ++j) row += M(i, j) * M(i, j), zero &= M(i, j) == 0;
    sum += row;
  }
  // slack: 1 / (1 - (2 * n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
  // slack: n^2 * 2^-1075 <= (2^-500)^2 for n <= 2^24
  return zero ? 0 : std::sqrt(sum) * (1 + 0x1p-20) + 0x1p-500;
}

// W M: each entry the sum over k, increasing, of fl(W_ik M_kj), from 0.
Matrix<double> product(MatrixRef<float> W, const Matrix<double>& M) {
  constexpr Index kStripColumns = 256;
  const Index n = W.cols();
  Matrix<double> out = Matrix<double>::Zero(W.rows(), n);
#pragma omp parallel for schedule(dynamic) if (W.size() > 1 << 10)
  for (Index first = 0; first < W.rows(); first += kRows)
    for (Index j0 = 0; j0 < n; j0 += kStripColumns)
      for (Index k = 0; k < n; ++k)
        for (Index i = first; i < std::min(first + kRows, W.rows()); ++i) {
          const auto w = static_cast<double>(W(i, k));
          const double* m = M.row(k).data();
          double* sum = out.row(i).data();
          for (Index j = j0; j < std::min(j0 + kStripColumns, n); ++j) sum[j] += w * m[j];
        }
  return out;
}

// x (U D U^T) = y for kRows rows at once, [position][kRows], in place.
void solve(const Factor& factor, double* y) {
  const Index n = factor.d.size();
  for (Index j = n - 1; j >= 0; --j) {
    std::array<double, at(kRows)> sum{};
    const double* u = factor.U.row(j).data();
    for (Index k = j + 1; k < n; ++k)
      for (Index r = 0; r < kRows; ++r) sum[at(r)] += y[k * kRows + r] * u[k];
    for (Index r = 0; r < kRows; ++r) y[j * kRows + r] -= sum[at(r)];
  }
  for (Index k = 0; k < n; ++k)
    for (Index r = 0; r < kRows; ++r) y[k * kRows + r] /= factor.d[k];
  for (Index k = 0; k < n; ++k) {
    const double* u = factor.U.row(k).data();
    const double* x = y + k * kRows;
    for (Index j = k + 1; j < n; ++j)
      for (Index r = 0; r < kRows; ++r) y[j * kRows + r] -= x[r] * u[j];
  }
}

}  // namespace

Status refuse_inputs(const FloatInputs& inputs, Index columns, std::string_view name) {
  const auto refuse = [&](const char* what, std::string where, const char* hint) {
    return Error{Exit::input, error_number::gram_malformed, fmt::format("{} of {} {}", what, name, "cannot be used"),
                 std::move(where), hint};
  };
  for (const auto& [M, what] : {std::pair<const MatrixRef<double>&, const char*>(inputs.C, "the cross-Gram matrix"),
                                {inputs.K, "the Gram matrix of the float inputs"}}) {
    if (M.rows() != columns || M.cols() != columns)
      return refuse(what, fmt::format("{} x {} for a weight of {} columns", M.rows(), M.cols(), columns),
                    "capture the inputs of this very layer");
    if (const auto bad = first_non_finite<double>(M))
      return refuse(what, fmt::format("entry ({}, {}): {}", bad->row, bad->column, M(bad->row, bad->column)),
                    "capture it again");
  }
  if (!symmetric_and_finite(inputs.K))
    return refuse("the Gram matrix of the float inputs", "it is not symmetric", "store (K + K^T) / 2");
  return ok();
}

// Roundings, u = 2^-53: an entry of C - H has one, its product with a weight another, each addition one; then e, its
// product with the slope and the additions again: fewer than 2 n + 5 for a term w_k (C - H)_kj e_j, and in magnitude
// the terms add up to at most |w| |C - H| |e| (Cauchy). A term w_i (K - C - C^T + H)_ij w_j has as many, of at most
// |w_i| (|K - C|_ij + |C - H|_ji) |w_j|.
AsymmetricTerm::AsymmetricTerm(MatrixRef<float> W, MatrixRef<double> H, const FloatInputs& inputs) : inputs_(inputs) {
  const auto n = static_cast<double>(W.cols());
  const Matrix<double> B = inputs.C - H;
  Matrix<double> D = inputs.K - inputs.C;
  const double size = norm_above(B), all = norm_above(D) + size;
  for (Index i = 0; i < D.rows(); ++i)
    for (Index j = 0; j < D.cols(); ++j) D(i, j) -= B(j, i);  // H_ij - C_ji = -(C - H)_ji
  slope_ = product(W, B);
  const Matrix<double> turned = product(W, D);
  // slack: (2 * n + 5) * u / (1 - (2 * n + 5) * u) <= (2 * n + 6) * u for n <= 2^24, u = 2^-53
  const double rounding = (n + 8) * 0x1p-52;  // ten roundings more, of the bounds themselves
  for (Index i = 0; i < W.rows(); ++i) {
    double sum = 0, squares = 0;
    for (Index j = 0; j < W.cols(); ++j) {
      const auto w = static_cast<double>(W(i, j));
      sum += turned(i, j) * w;
      squares += w * w;
    }
    // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
    const double norm = std::sqrt(squares) * (1 + 0x1p-20);
    constant_.push_back(sum);
    width_.push_back(rounding * norm * norm * all);
    slope_width_.push_back(2 * rounding * norm * size);
  }
}

void AsymmetricTerm::add(const Target& target, const Matrix<Code>& codes, std::span<const Index> rows,
                         std::span<Loss> losses) const {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::vector<float> decoded = decoded_rows(target, codes, rows);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const Index i = rows[k];
    double sum = 0, squares = 0;
    for (Index j = 0; j < codes.cols(); ++j) {
      const auto w = static_cast<double>(target.W(i, j));
      const Step step = target.steps.at(i, j);
      const double e = decoded.empty() ? std::fma(-step.scale, target.grid.value(codes(i, j), step.zero), w)
                                       : w - static_cast<double>(decoded[k * at(codes.cols()) + at(j)]);
      sum += slope_(i, j) * e;
      squares += e * e;
    }
    // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
    const double norm = std::sqrt(squares) * (1 + 0x1p-20);
    const double constant = constant_[at(i)], term = constant + 2 * sum;
    if (width_[at(i)] == 0 && slope_width_[at(i)] == 0) continue;  // X~ = X, or nothing to lose
    Loss& loss = losses[k];
    // What is off; three additions of numbers of this size; what underflowed: n products in each of n numbers, which
    // are then multiplied by |w| or |e| < 2^152 and counted twice, and 4 n products more.
    // slack: (4 * n^2 * 2^152 + 4 * n) * 2^-1075 <= 2^-300 for n <= 2^24
    const double room = width_[at(i)] + slope_width_[at(i)] * norm +
                        0x1p-50 * (std::fabs(constant) + std::fabs(2 * sum) + std::fabs(loss.lo) + std::fabs(loss.hi)) +
                        0x1p-300;
    loss = {loss.value + term, loss.lo + term - room, loss.hi + term + room};
    if (!std::isfinite(loss.lo) || !std::isfinite(loss.hi)) loss = {loss.value, -infinity, infinity};
  }
}

Expected<Matrix<float>> AsymmetricTerm::target(MatrixRef<float> W, const Factored& factored,
                                               std::string_view name) const {
  const std::span<const Index> order = factored.order;
  Matrix<float> out = W;
#pragma omp parallel if (W.size() > 1 << 10)
  {
    std::vector<double> y(order.size() * at(kRows));
#pragma omp for schedule(dynamic)
    for (Index first = 0; first < W.rows(); first += kRows) {
      const Index count = std::min(kRows, W.rows() - first);
      for (std::size_t p = 0; p < order.size(); ++p)
        for (Index r = 0; r < kRows; ++r) y[p * at(kRows) + at(r)] = r < count ? 2 * slope_(first + r, order[p]) : 0;
      solve(factored.factor, y.data());
      for (std::size_t p = 0; p < order.size(); ++p)
        for (Index r = 0; r < count; ++r)  // nothing is added to a weight of -0
          if (const double x = y[p * at(kRows) + at(r)]; x != 0) {
            float& w = out(first + r, order[p]);
            w = static_cast<float>(static_cast<double>(w) + x);
          }
    }
  }
  if (const auto bad = first_non_finite<float>(out))
    return Error{Exit::numeric, error_number::gptq_overflow, fmt::format("the target of {} overflows binary32", name),
                 fmt::format("row {}, column {}", bad->row, bad->column),
                 "a larger --damp-fraction, or --target plain"};
  return out;
}

}  // namespace hallmark
