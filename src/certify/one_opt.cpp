#include "certify/one_opt.hpp"

#include <algorithm>
#include <cmath>

#include "method/gradient.hpp"
#include "oracle/dyadic.hpp"

namespace hallmark {
namespace {

using oracle::Dyadic;

// The points of a grid without zero point, increasing, each once.
std::vector<double> points_of(const Grid& grid) {
  std::vector<double> points;
  for (std::uint32_t code = 0; code <= 0xFFFF; ++code)
    if (grid.contains(static_cast<Code>(code))) points.push_back(grid.value(static_cast<Code>(code)));
  std::ranges::sort(points);
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

struct Row {
  MatrixRef<float> W;
  const Steps& steps;
  Index i;
  std::vector<double> g;  // points with their zero points taken off, without the scale

  // 2 (e G)_j + s (p - x) G_jj, exactly.
  Dyadic exact(const Gradients& of, Index j, double p, double x) const {
    Dyadic sum = Dyadic(steps.scale(i, j)) * (Dyadic(p) - Dyadic(x)) * Dyadic(of.diagonal(j));
    for (Index k = 0; k < of.size(); ++k) {
      const Dyadic q = Dyadic(steps.scale(i, k)) * Dyadic(g[static_cast<std::size_t>(k)]);
      sum += Dyadic(2) * (Dyadic(W(i, k)) - q) * Dyadic(of.gram()(k, j));
    }
    return sum;
  }
};

// Whether the loss is lower with the point x instead of p in column j. Scale times point is exact, 24 bits times 14;
// the difference is rounded once, which change_of_loss allows for and exact arithmetic does without.
bool lowers(const Gradients& of, const Gradient& gradient, const Row& row, Index j, double p, double x) {
  const double s = row.steps.scale(row.i, j), delta = s * p - s * x;
  const Change change = change_of_loss(of, gradient, j, delta);
  if (std::fabs(change.value) > change.error) return change.value < 0;
  const int sign = row.exact(of, j, p, x).sign();
  return delta > 0 ? sign < 0 : sign > 0;
}

}  // namespace

std::vector<std::optional<bool>> one_opt(MatrixRef<float> W, MatrixRef<double> G, const Options& options,
                                         const Steps& steps, const Matrix<Code>& codes) {
  std::vector<std::optional<bool>> rows(static_cast<std::size_t>(W.rows()));
  if (options.target != plain_target) return rows;
  const Gradients of(G);
  const std::vector<double> points = points_of(options.grid);
#pragma omp parallel for schedule(dynamic)
  for (Index i = 0; i < W.rows(); ++i) {
    if (!steps.plain(i)) continue;
    Row row{W, steps, i, {}};
    std::vector<double> e;
    for (Index j = 0; j < W.cols(); ++j) {
      row.g.push_back(options.grid.value(codes(i, j), steps.zero(i, j)));
      e.push_back(static_cast<double>(W(i, j)) - static_cast<double>(steps.scale(i, j)) * row.g.back());
    }
    const Gradient gradient(of, e.data());
    bool best = true;
    for (Index j = 0; j < W.cols() && best; ++j) {
      if (!(of.diagonal(j) > 0)) continue;
      const auto at = std::ranges::lower_bound(points, options.grid.value(codes(i, j)));
      if (at != points.begin()) best = best && !lowers(of, gradient, row, j, *at, *(at - 1));
      if (at + 1 != points.end()) best = best && !lowers(of, gradient, row, j, *at, *(at + 1));
    }
    rows[static_cast<std::size_t>(i)] = best;
  }
  return rows;
}

}  // namespace hallmark
