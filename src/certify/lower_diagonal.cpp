#include "certify/lower_diagonal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "linalg/factor.hpp"
#include "linalg/strip.hpp"

namespace hallmark {
namespace {

constexpr std::size_t kProbes = 8;
constexpr int kRounds = 24, kAveraged = 8;  // of the weights; of the last ones the mean is taken
constexpr int kPowers = 4, kLastPowers = 40;

using Probes = std::vector<std::array<double, kProbes>>;  // a number of each probe for every column

// G^-1 = V^T D^-1 V, V = U^-1 unit upper triangular.
struct Inverse {
  Matrix<double> V;
  Vector<double> d;

  explicit Inverse(const Factor& factor) : V(Matrix<double>::Identity(factor.d.size(), factor.d.size())), d(factor.d) {
    for (Index n = d.size(), i = n - 2; i >= 0; --i)
      for (Index k = i + 1; k < n; ++k) multiply_add(&V(k, k), -factor.U(i, k), &V(i, k), n - k);
  }

  Vector<double> diagonal() const {
    Vector<double> sum = Vector<double>::Zero(d.size());
    for (Index i = 0; i < d.size(); ++i)
      for (Index j = i; j < d.size(); ++j) sum[j] += V(i, j) * V(i, j) / d[i];
    return sum;
  }

  // z <- X^1/2 G^-1 X^1/2 z, then over its largest magnitude, which is returned.
  double multiply(const Vector<double>& root, Probes& z) const {
    const Index n = d.size();
    Probes image(at(n));
    for (Index j = 0; j < n; ++j)
      for (double& x : z[at(j)]) x *= root[j];
    for (Index i = 0; i < n; ++i) {
      std::array<double, kProbes> y{};
      for (Index j = i; j < n; ++j)
        for (std::size_t l = 0; l < kProbes; ++l) y[l] += V(i, j) * z[at(j)][l];
      for (double& x : y) x /= d[i];
      for (Index j = i; j < n; ++j)
        for (std::size_t l = 0; l < kProbes; ++l) image[at(j)][l] += V(i, j) * y[l];
    }
    double largest = 0;
    for (Index j = 0; j < n; ++j)
      for (double& x : image[at(j)]) largest = std::max(largest, std::fabs(x *= root[j]));
    for (auto& of_column : image)
      for (double& x : of_column) x /= largest;
    z = std::move(image);
    return largest;
  }
};

// Probes of +1 and -1, the same ones every time.
Probes fresh_probes(std::mt19937& generator, Index n) {
  Probes z(at(n));
  for (auto& of_column : z) {
    const auto bits = generator();
    for (std::size_t l = 0; l < kProbes; ++l) of_column[l] = (bits >> l & 1) != 0 ? 1 : -1;
  }
  return z;
}

// x over the largest eigenvalue of S, or a little less.
Vector<double> to_the_edge(const Inverse& inverse, const Vector<double>& x, std::mt19937& generator) {
  const Vector<double> root = x.cwiseSqrt();
  Probes z = fresh_probes(generator, x.size());
  double largest = 0;
  for (int k = 0; k < kLastPowers; ++k) largest = inverse.multiply(root, z);
  return x / largest;
}

double worth_of(const Vector<double>& weight, const Vector<double>& x) {
  double sum = 0;
  for (Index j = 0; j < x.size(); ++j) sum += weight[j] * x[j];
  return sum;
}

}  // namespace

// G - X is semidefinite where the largest eigenvalue of S = X^1/2 G^-1 X^1/2 is at most 1. So sum weight_j x_j over
// that eigenvalue is to be large. At its maximum weight_j x_j is in proportion to the squares of the eigenvectors'
// entries there; these are estimated as (S^2k)_jj, and each x_j takes a fourth root of the step.
std::optional<Vector<double>> lower_diagonal(const Matrix<double>& G, const Vector<double>& weight) {
  const Index n = G.rows();
  Expected<Factor> factor = factor_udu(G);
  if (!factor) return std::nullopt;
  const Inverse inverse(*factor);
  const Vector<double> most = inverse.diagonal().cwiseInverse();  // no delta_j can be larger
  Vector<double> x = most, mean = Vector<double>::Zero(n);
  std::mt19937 generator(21);
  for (int round = 0; round < kRounds; ++round) {
    const Vector<double> root = x.cwiseSqrt();
    Probes z = fresh_probes(generator, n);
    for (int k = 0; k < kPowers; ++k) inverse.multiply(root, z);
    Vector<double> square = Vector<double>::Zero(n);
    double squares = 0;
    const double worth = worth_of(weight, x);
    for (Index j = 0; j < n; ++j) {
      for (const double y : z[at(j)]) square[j] += y * y;
      squares += square[j];
    }
    if (!(squares > 0 && worth > 0)) break;
    for (Index j = 0; j < n; ++j) {
      const double step = std::clamp(weight[j] * x[j] / worth * squares / square[j], 0.1, 10.0);
      x[j] = std::max(x[j] * std::sqrt(std::sqrt(step)), 0x1p-20 * most[j]);
    }
    if (round < kRounds - kAveraged) continue;
    for (Index j = 0; j < n; ++j) mean[j] += x[j] / worth;
  }
  // Where G is diagonal the first weights are the best ones.
  Vector<double> first = to_the_edge(inverse, most, generator);
  if (mean.minCoeff() > 0) {
    Vector<double> last = to_the_edge(inverse, mean, generator);
    if (worth_of(weight, last) > worth_of(weight, first)) first = std::move(last);
  }
  if (!first.allFinite()) return std::nullopt;
  return first;
}

}  // namespace hallmark
