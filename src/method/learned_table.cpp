#include "method/learned_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace hallmark {
namespace {

constexpr double kLargest = 127;

// A row's share of the normal equations.
struct Share {
  Matrix<double> A;
  Vector<double> b;
};

Share share_of(const Matrix<float>& W, const Matrix<double>& G, const Quantized& of, Index i, Index points) {
  const Index cols = W.cols();
  Share share{Matrix<double>::Zero(points, points), Vector<double>::Zero(points)};
  Matrix<double> sums = Matrix<double>::Zero(points, cols);  // of the columns of G, by code
  Vector<double> Gw = Vector<double>::Zero(cols);
  for (Index k = 0; k < cols; ++k) {
    const double s = of.steps.scale(i, k), w = W(i, k);
    double* const sum = &sums(of.codes(i, k), 0);
    for (Index j = 0; j < cols; ++j) {
      sum[j] += s * G(k, j);
      Gw[j] += w * G(k, j);
    }
  }
  for (Index j = 0; j < cols; ++j) {
    const double s = of.steps.scale(i, j);
    const Index a = of.codes(i, j);
    share.b[a] += s * Gw[j];
    for (Index c = 0; c < points; ++c) share.A(a, c) += s * sums(c, j);
  }
  return share;
}

double total(const std::vector<double>& losses) { return std::accumulate(losses.begin(), losses.end(), 0.0); }

}  // namespace

std::string table_name(const std::vector<float>& points) { return fmt::format("table:{}", fmt::join(points, ",")); }

std::optional<std::string> learning_obstacle(const Options& options) {
  const GridSpec& grid = options.grid.spec();
  if (grid.kind != GridSpec::Kind::table || grid.windowed) return fmt::format("{} is no table of points", grid.name);
  if (grid.points.size() > 16) return fmt::format("{} has more than 16 points", grid.name);
  if (options.target != plain_target) return fmt::format("the target is {}", options.target);
  return std::nullopt;
}

std::optional<std::vector<float>> fitted_points(const Layer& layer, const Quantized& of, const Grid& grid) {
  const std::vector<float>& before = grid.spec().points;
  const auto points = std::ssize(before);
  const bool turned = of.steps.rotation.any();
  const Matrix<float> W = turned ? rotated_weights(layer.W, of.steps.rotation.signs) : Matrix<float>(layer.W);
  const Matrix<double> G = turned ? rotated_gram(*layer.G, of.steps.rotation.signs) : Matrix<double>(*layer.G);
  std::vector<Share> shares(static_cast<std::size_t>(W.rows()));
#pragma omp parallel for schedule(dynamic)
  for (Index i = 0; i < W.rows(); ++i)
    if (of.steps.rotation.of_row(i) == turned) shares[static_cast<std::size_t>(i)] = share_of(W, G, of, i, points);
  Share all{Matrix<double>::Zero(points, points), Vector<double>::Zero(points)};
  for (const Share& share : shares)
    if (share.b.size() > 0) all.A += share.A, all.b += share.b;
  for (Index a = 0; a < points; ++a)
    if (!(all.A(a, a) > 0)) all.A.row(a).setZero(), all.A.col(a).setZero(), all.A(a, a) = 1, all.b[a] = before[at(a)];
  const Vector<double> c = all.A.ldlt().solve(all.b);
  const double largest = c.cwiseAbs().maxCoeff();
  std::vector<float> fitted;
  for (Index a = 0; a < points; ++a) {
    const auto point = static_cast<float>(std::rint(c[a] * (kLargest / largest)));
    if (!std::isfinite(point) || (a > 0 && !(fitted.back() < point))) return std::nullopt;
    fitted.push_back(point);
  }
  return fitted;
}

Expected<LearnedTable> learn_table(const Layer& layer, const Options& options, Index rounds) {
  Options now = options;
  now.guard = true;  // which encloses the losses
  Expected<Quantized> best = quantize(layer, now);
  if (!best) return best.error();
  LearnedTable learned{options.grid.spec().points, 0, total(best->loss_final), total(best->loss_final)};
  while (learned.rounds < rounds) {
    const auto points = fitted_points(layer, *best, now.grid);
    if (!points || *points == learned.points) break;
    const auto grid = Grid::parse(table_name(*points));
    if (!grid) return grid.error();
    now.grid = *grid;
    Expected<Quantized> next = quantize(layer, now);
    if (!next) return next.error();
    const double loss = total(next->loss_final);
    if (!(loss < learned.after)) break;
    learned = {*points, learned.rounds + 1, learned.before, loss};
    best = *std::move(next);
  }
  return learned;
}

}  // namespace hallmark
