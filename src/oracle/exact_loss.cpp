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

ExactLoss::ExactLoss(std::span<const double> gram, std::size_t n, std::span<const double> cross,
                     std::span<const double> inputs)
    : gram_(gram, n), inputs_(std::in_place, inputs, n) {
  for (std::size_t i = 0; i < n; ++i) cross_.push_back(digits_of(cross.subspan(i * n, n)));
}

Dyadic ExactLoss::loss(std::span<const float> w, std::span<const float> scale, std::span<const double> point) const {
  if (!inputs_) return gram_.loss(w, scale, point);
  const std::size_t n = w.size();
  const std::vector<float> nothing(n, 0.0F);
  std::vector<Dyadic> q;
  for (std::size_t j = 0; j < n; ++j) q.push_back(Dyadic(scale[j]) * Dyadic(point[j]));
  const Digits digits = digits_of(q);
  Dyadic both;  // w C q^T
  for (std::size_t i = 0; i < n; ++i) both += Dyadic(w[i]) * dot(cross_[i], digits, n);
  return inputs_->loss(w, nothing, point) - both - both + gram_.loss(nothing, scale, point);
}

}  // namespace hallmark::oracle
