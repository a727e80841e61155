#include "oracle/exact_loss.hpp"

#include <vector>

namespace hallmark::oracle {

Dyadic exact_loss(std::span<const float> w, std::span<const float> scale, std::span<const double> point,
                  std::span<const double> gram) {
  const std::size_t n = w.size();
  std::vector<Dyadic> e;
  e.reserve(n);
  for (std::size_t j = 0; j < n; ++j) e.push_back(Dyadic(w[j]) - Dyadic(scale[j]) * Dyadic(point[j]));
  Dyadic diagonal, above;
  for (std::size_t i = 0; i < n; ++i) {
    if (e[i].sign() == 0) continue;
    diagonal += e[i] * Dyadic(gram[i * n + i]) * e[i];
    Dyadic row;
    for (std::size_t j = i + 1; j < n; ++j)
      if (e[j].sign() != 0) row += Dyadic(gram[i * n + j]) * e[j];
    above += e[i] * row;
  }
  return diagonal + above + above;
}

}  // namespace hallmark::oracle
