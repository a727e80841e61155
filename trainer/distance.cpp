#include "distance.hpp"

#include <cmath>

#include "kombucha.hpp"

namespace hallmark::trainer {

Expected<Distance> distance_to_codes(const Parameters& parameters, const Options& options) {
  Distance all;
  double count = 0;
  for (const auto& [name, weight] : parameters) {
    if (!is_block_matrix(name, weight)) continue;
    const auto pull = pull_to_codes(to_matrix(weight), options);
    if (!pull) return located(name, pull.error());
    all.mean += pull->squares;
    count += static_cast<double>(weight.numel());
    all.gradient[name] = to_tensor(pull->gradient, weight);
  }
  all.mean /= count;
  for (auto& [name, gradient] : all.gradient) gradient /= count;
  return all;
}

double length(const Parameters& tensors) {
  double squares = 0;
  for (const auto& [name, tensor] : tensors) squares += tensor.square().sum().item<double>();
  return std::sqrt(squares);
}

}  // namespace hallmark::trainer
