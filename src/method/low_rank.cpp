#include "method/low_rank.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "base/error_numbers.hpp"
#include "format/golden_float.hpp"
#include "method/method.hpp"

namespace hallmark {
namespace {

constexpr int kRounds = 32;

// F Y, each sum in the order of the columns of F.
Matrix<double> product(const Matrix<double>& F, const Matrix<double>& Y) {
  Matrix<double> out = Matrix<double>::Zero(F.rows(), Y.cols());
#pragma omp parallel for schedule(static)
  for (Index i = 0; i < F.rows(); ++i)
    for (Index j = 0; j < F.cols(); ++j)
      for (Index k = 0; k < Y.cols(); ++k) out(i, k) += F(i, j) * Y(j, k);
  return out;
}

// F^T Z, each sum in the order of the rows of F.
Matrix<double> transposed_product(const Matrix<double>& F, const Matrix<double>& Z) {
  constexpr Index together = 64;
  Matrix<double> out = Matrix<double>::Zero(F.cols(), Z.cols());
#pragma omp parallel for schedule(static)
  for (Index first = 0; first < F.cols(); first += together)
    for (Index i = 0; i < F.rows(); ++i)
      for (Index j = first; j < std::min(first + together, F.cols()); ++j)
        for (Index k = 0; k < Z.cols(); ++k) out(j, k) += F(i, j) * Z(i, k);
  return out;
}

double inner(const Matrix<double>& Y, Index a, Index b) {
  double sum = 0;
  for (Index j = 0; j < Y.rows(); ++j) sum += Y(j, a) * Y(j, b);
  return sum;
}

// Gram and Schmidt, twice; a column that the ones before it span becomes 0.
void orthonormalize(Matrix<double>& Y) {
  for (Index a = 0; a < Y.cols(); ++a) {
    const double before = std::sqrt(inner(Y, a, a));
    for (int again = 0; again < 2; ++again)
      for (Index b = 0; b < a; ++b) {
        const double share = inner(Y, a, b);
        for (Index j = 0; j < Y.rows(); ++j) Y(j, a) -= share * Y(j, b);
      }
    const double norm = std::sqrt(inner(Y, a, a));
    const bool spanned = !(norm > 1e-12 * before);
    for (Index j = 0; j < Y.rows(); ++j) Y(j, a) = spanned ? 0 : Y(j, a) / norm;
  }
}

// The eigenvectors of a small symmetric matrix, by Jacobi's rotations, in the order of falling eigenvalues.
Matrix<double> eigenvectors(Matrix<double> S) {
  const Index n = S.rows();
  Matrix<double> V = Matrix<double>::Identity(n, n);
  for (int sweep = 0; sweep < 30; ++sweep)
    for (Index p = 0; p < n; ++p)
      for (Index q = p + 1; q < n; ++q) {
        if (std::fabs(S(p, q)) <= 1e-18 * std::sqrt(std::fabs(S(p, p) * S(q, q)))) continue;
        const double half = (S(q, q) - S(p, p)) / (2 * S(p, q));
        const double t = (half < 0 ? -1 : 1) / (std::fabs(half) + std::sqrt(half * half + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        const auto turn = [c, s](double& a, double& b) {
          const double x = a, y = b;
          a = c * x - s * y;
          b = s * x + c * y;
        };
        for (Index k = 0; k < n; ++k) turn(S(k, p), S(k, q));
        for (Index k = 0; k < n; ++k) turn(S(p, k), S(q, k));
        for (Index k = 0; k < n; ++k) turn(V(k, p), V(k, q));
      }
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::stable_sort(order, std::greater{}, [&](Index k) { return S(k, k); });
  return V(Eigen::all, order);
}

// E L in processing order.
Matrix<double> weighted(const Matrix<double>& E, std::string_view weights, const Factored& f) {
  const Index n = E.cols();
  Matrix<double> F = Matrix<double>::Zero(E.rows(), n);
#pragma omp parallel for schedule(static)
  for (Index i = 0; i < E.rows(); ++i) {
    if (weights != hessian_weights) {
      for (Index j = 0; j < n; ++j) F(i, j) = E(i, j) * (weights == plain_weights ? 1 : f.model.root[j]);
      continue;
    }
    for (Index k = 0; k < n; ++k)
      for (Index j = k; j < n; ++j) F(i, j) += E(i, k) * f.factor.U(k, j);
    for (Index j = 0; j < n; ++j) F(i, j) *= std::sqrt(f.factor.d[j]);
  }
  return F;
}

// The rows B of B L = V^T.
Matrix<double> unweighted(const Matrix<double>& V, std::string_view weights, const Factored& f) {
  const Index n = V.rows();
  Matrix<double> B = V.transpose();
  for (Index k = 0; k < B.rows(); ++k) {
    for (Index j = 0; j < n && weights != plain_weights; ++j)
      B(k, j) /= weights == hessian_weights ? std::sqrt(f.factor.d[j]) : f.model.root[j];
    for (Index i = 0; i < n && weights == hessian_weights; ++i)
      for (Index j = i + 1; j < n; ++j) B(k, j) -= B(k, i) * f.factor.U(i, j);
  }
  return B;
}

float stored(double x, ScaleStorage storage) {
  switch (storage) {
    case ScaleStorage::f16: return static_cast<float>(FP16::decode(FP16::encode(x)));
    case ScaleStorage::bf16: return static_cast<float>(BF16::decode(BF16::encode(x)));
    default: return static_cast<float>(x);
  }
}

}  // namespace

std::optional<Obstacle> low_rank_obstacle(const Options& options) {
  if (options.low_rank == 0) return std::nullopt;
  if (const auto method = find_method(options.method); method && !(*method)->needs_gram)
    return Obstacle{fmt::format("method {}", options.method), "--low-rank 0, or a method that is calibrated"};
  if (options.scale_rule == given_scales)
    return Obstacle{"given scales", "--low-rank 0, or no scales beside the calibration"};
  if (promises_two_of_four(options))
    return Obstacle{"method " + options.method + ", whose zeros would be none", "--low-rank 0, or another method"};
  return std::nullopt;
}

std::optional<Obstacle> low_rank_obstacle(const Options& options, Index rows, Index cols) {
  if (options.low_rank > std::min(rows, cols))
    return Obstacle{fmt::format("rank {}, and it is {} x {}", options.low_rank, rows, cols),
                    "a smaller --low-rank, or a rule for it with \"low_rank\": 0"};
  return low_rank_obstacle(options);
}

Matrix<double> singular_directions(const Matrix<double>& F, Index count) {
  const Index n = F.cols(), block = std::min(n, 2 * count + 8);
  Matrix<double> Y = Matrix<double>::Identity(n, block);
  if (block < n) {
    std::mt19937_64 start(0);
    for (Index j = 0; j < n; ++j)
      for (Index k = 0; k < block; ++k) Y(j, k) = (start() >> 63) == 0 ? 1 : -1;
  }
  orthonormalize(Y);
  for (int round = 0; block < n && round < kRounds; ++round) {
    Y = transposed_product(F, product(F, Y));
    orthonormalize(Y);
  }
  const Matrix<double> Z = product(F, Y);
  const Matrix<double> first = eigenvectors(transposed_product(Z, Z)).leftCols(count);
  return product(Y, first);
}

Expected<LowRank> fit_low_rank(MatrixRef<float> W, const Matrix<float>& Q, const Options& options,
                               const Factored& factored, std::string_view name) {
  const std::vector<Index>& order = factored.order;
  const Index rows = W.rows(), rank = std::min<Index>(options.low_rank, std::ssize(order));
  Matrix<double> E(rows, std::ssize(order));
  for (Index i = 0; i < rows; ++i)
    for (std::size_t p = 0; p < order.size(); ++p)
      E(i, static_cast<Index>(p)) = static_cast<double>(W(i, order[p])) - Q(i, order[p]);
  const Matrix<double> F = weighted(E, options.low_rank_weights, factored);
  const Matrix<double> V = singular_directions(F, rank), A = product(F, V),
                       B = unweighted(V, options.low_rank_weights, factored);
  LowRank out{Matrix<float>::Zero(rows, options.low_rank), Matrix<float>::Zero(options.low_rank, W.cols())};
  for (Index k = 0; k < rank; ++k) {
    // A power of two makes the largest of both alike: few words are subnormal, none too large.
    const double a = A.col(k).cwiseAbs().maxCoeff(), b = B.row(k).cwiseAbs().maxCoeff();
    const double share = a > 0 && b > 0 ? std::ldexp(1.0, (std::ilogb(b) - std::ilogb(a)) / 2) : 0;
    for (Index i = 0; i < rows; ++i) out.A(i, k) = stored(A(i, k) * share, options.low_rank_storage) + 0.0F;
    for (std::size_t p = 0; p < order.size() && share > 0; ++p)
      out.B(k, order[p]) = stored(B(k, static_cast<Index>(p)) / share, options.low_rank_storage) + 0.0F;
  }
  if (out.A.allFinite() && out.B.allFinite()) return out;
  return Error{Exit::usage, error_number::low_rank_refused,
               fmt::format("a factor of the correction is beyond {}", to_string(options.low_rank_storage)),
               std::string(name), "--low-rank-storage bf16 or f32"};
}

}  // namespace hallmark
