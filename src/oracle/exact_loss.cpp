#include "oracle/exact_loss.hpp"

namespace hallmark::oracle {

ExactGram::ExactGram(std::span<const double> gram, std::size_t n) {
  above_.reserve(n);
  diagonal_.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    diagonal_.emplace_back(gram[i * n + i]);
    above_.push_back(digits_of(gram.subspan(i * n + i + 1, n - i - 1)));
  }
}

Dyadic ExactGram::loss(std::span<const float> w, std::span<const float> scale, std::span<const double> point) const {
  std::vector<Dyadic> e;
  e.reserve(w.size());
  for (std::size_t j = 0; j < w.size(); ++j) e.push_back(Dyadic(w[j]) - Dyadic(scale[j]) * Dyadic(point[j]));
  const Digits digits = digits_of(e);
  Dyadic diagonal, above;
  for (std::size_t i = 0; i < e.size(); ++i) {
    if (e[i].sign() == 0) continue;
    diagonal += e[i] * diagonal_[i] * e[i];
    above += e[i] * dot(above_[i], digits, e.size() - i - 1, i + 1);
  }
  return diagonal + above + above;
}

}  // namespace hallmark::oracle
