#include "method/gradient.hpp"

#include <algorithm>
#include <cmath>

#include "linalg/strip.hpp"

namespace hallmark {

Gradients::Gradients(MatrixRef<double> G) : G_(G), root_(G.diagonal().cwiseSqrt()) {
  const Index n = G.cols();
  double most = 1;
#pragma omp parallel for schedule(static) reduction(max : most) if (n * n > 1 << 16)
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < i; ++j)
      if (G_(i, j) != 0) most = std::max(most, std::fabs(G_(i, j)) / root_[i] / root_[j]);
  correlation_ = most;
}

Gradient::Gradient(const Gradients& of, const double* e) : of_(of), r_(Vector<double>::Zero(of.size())) {
  for (Index k = 0; k < of.size(); ++k)
    if (e[k] != 0) {
      multiply_add(of.row(k), e[k], r_.data(), of.size());
      size_ += std::fabs(e[k]) * of.root(k);
      ++terms_;
    }
}

// With N terms of which the largest sum of magnitudes is A = correlation root_j size, N fma and the rounding of e and
// of its changes move r_j by (N + 1) u (1 + N u) A at most, u = 2^-53, and underflow by N 2^-1075. (N + 8) 2^-52 is
// twice (N + 8) u, which has room for the roundings of A itself, N + 6 of them.
double Gradient::error(Index j) const {
  // Underflow: the chain's, of the product below, and two of change_of_loss.
  // slack: (n + 3) * 2^-1075 <= 2^-1000 for n <= 2^24
  return (static_cast<double>(terms_) + 8) * 0x1p-52 * of_.correlation() * of_.root(j) * size_ + 0x1p-1000;
}

void Gradient::change(Index j, double delta) {
  multiply_add(of_.row(j), delta, r_.data(), of_.size());
  size_ += std::fabs(delta) * of_.root(j);
  ++terms_;
}

// Four roundings: of delta, of delta G_jj, of the sum, of the product. The first two move `own` by two units, the first
// and the last two move the result by three units of `inner`. The error of r_j enters twice. 2^-51 is four units; the
// fourth, and the half of gradient.error that is room, hold what rounding does to the error itself.
Change change_of_loss(const Gradients& of, const Gradient& gradient, Index j, double delta) {
  const double own = delta * of.diagonal(j), inner = 2 * gradient[j] + own;
  const double error = 2 * gradient.error(j) + 0x1p-51 * (std::fabs(own) + std::fabs(inner));
  // slack: 2 * 2^-1075 <= 2^-1000
  return {delta * inner, std::fabs(delta) * error + 0x1p-1000};
}

}  // namespace hallmark
