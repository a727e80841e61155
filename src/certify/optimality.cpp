#include "certify/optimality.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "certify/best_codes.hpp"
#include "certify/lower_diagonal.hpp"
#include "linalg/factor.hpp"
#include "method/rtn.hpp"

namespace hallmark {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int kAttempts = 12;  // each takes a tenth less from G than the one before

double down(double x) { return std::nextafter(x, -infinity); }
double up(double x) { return std::nextafter(x, infinity); }

}  // namespace

std::optional<Vector<double>> shown_weights(const Matrix<double>& G, const Vector<double>& delta) {
  const Index n = G.rows();
  Matrix<double> H = G;
  H.diagonal() -= delta;
  const Vector<double> left = H.diagonal();
  const bool sane = n <= Index{1} << 24 && left.minCoeff() >= 0x1p-900 &&
                    0x1p-64 * left.maxCoeff() <= left.minCoeff();  // Coq `sane_diagonal`
  Vector<double> d;
  if (!sane || factor_udu_in_place(H, d)) return std::nullopt;
  const auto columns = static_cast<double>(n);
  Vector<double> c(n);
  for (Index j = 0; j < n; ++j) {
    c[j] = down(down(G(j, j) - left[j]) - up(columns * (columns + 2) * 0x1p-53 * left[j]));
    if (!(c[j] >= 0 && std::isfinite(c[j]))) return std::nullopt;
  }
  return c;
}

namespace {

// The same for as large a diagonal as is found.
std::optional<Vector<double>> best_shown(const Matrix<double>& G, const Vector<double>& weight) {
  const auto n = static_cast<double>(G.rows());
  const std::optional<Vector<double>> delta = lower_diagonal(G, weight);
  if (!delta) return std::nullopt;
  const Vector<double> least = 0x1p-51 * n * (n + 2) * G.diagonal();  // what the factorization costs, four times
  double part = 0.98;
  for (int attempt = 0; attempt < kAttempts; ++attempt, part *= 0.9)
    if (auto c = shown_weights(G, (part * *delta).cwiseMax(least))) return c;
  return std::nullopt;
}

// sum_j c_j dist_j^2, rounded down.
double weighted(const Vector<double>& c, const double* squares) {
  double sum = 0;
  for (Index j = 0; j < c.size(); ++j) sum += c[j] * squares[j];
  const double lower = sum * (1 - (static_cast<double>(c.size()) + 8) * 0x1p-52);
  return std::isfinite(sum) && lower >= 0x1p-900 ? lower : 0;  // no c_j is negative
}

std::vector<Index> live_columns(MatrixRef<double> G) {
  std::vector<Index> live;
  for (Index j = 0; j < G.cols(); ++j)
    if (G(j, j) != 0) live.push_back(j);
  return live;
}

}  // namespace

std::vector<Optimality> optimality(MatrixRef<float> W, MatrixRef<double> G, const Options& options,
                                   const Steps& steps) {
  std::vector<Optimality> rows(static_cast<std::size_t>(W.rows()));
  if (options.target != plain_target) {
    for (Optimality& row : rows) row.by = optimality_by::asymmetric;
    return rows;
  }
  const std::vector<Index> live = live_columns(G);
  const Matrix<double> used = G(live, live);
  Steps plain = steps;
  plain.rotation = {};
  plain.low_rank = {};
  const Rounded nearest = round_to_nearest(W, options.grid, plain);
  const Matrix<double> points = dequantize_f64(nearest.codes, plain, options.grid);
  Matrix<double> squares(W.rows(), used.rows());
  Vector<double> weight = Vector<double>::Zero(used.rows());
  for (Index i = 0; i < W.rows(); ++i)
    for (Index k = 0; k < used.rows(); ++k) {
      const Index j = live[static_cast<std::size_t>(k)];
      const double distance = static_cast<double>(W(i, j)) - points(i, j);
      squares(i, k) = distance * distance;
      if (steps.plain(i)) weight[k] += squares(i, k);
    }
  const std::optional<Vector<double>> c = used.rows() == 0 ? Vector<double>() : best_shown(used, weight);
  const std::optional<BestCodes> best = BestCodes::make(used, options.grid);
#pragma omp parallel for schedule(dynamic)
  for (Index i = 0; i < W.rows(); ++i) {
    Optimality& row = rows[static_cast<std::size_t>(i)];
    if (steps.rotation.of_row(i)) row.by = optimality_by::rotated;
    else if (!steps.plain(i)) row.by = optimality_by::corrected;
    else if (const auto least = best ? best->least_loss(W, steps, i, live) : std::nullopt)
      row = {least->round_down(), optimality_by::optimum};
    else if (c) row = {weighted(*c, squares.row(i).data()), optimality_by::diagonal};
    else row.by = optimality_by::singular;
  }
  return rows;
}

}  // namespace hallmark
