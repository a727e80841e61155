#include "kombucha.hpp"

#include <cmath>

#include "method/quantized.hpp"

namespace hallmark::trainer {

Expected<Pull> pull_to_codes(const Matrix<float>& W, const Options& options) {
  const auto steps = checked_steps(W, options, std::nullopt);
  if (!steps) return steps.error();
  Pull pull{0, Matrix<float>(W.rows(), W.cols())};
  for (Index i = 0; i < W.rows(); ++i)
    for (Index j = 0; j < W.cols(); ++j) {
      const double s = steps->scale(i, j), in_steps = W(i, j) / s, off = in_steps - std::nearbyint(in_steps);
      pull.squares += off * off;
      pull.gradient(i, j) = static_cast<float>(2 * off / s);
    }
  return pull;
}

}  // namespace hallmark::trainer
