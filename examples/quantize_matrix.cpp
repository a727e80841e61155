// Quantizes one small matrix with the installed library and prints what GPTQ gained over rounding to nearest.
#include <cmath>
#include <cstdio>
#include <numeric>

#include "linalg/gram.hpp"
#include "method/quantize.hpp"

int main() {
  using namespace hallmark;
  const Index rows = 8, cols = 16, tokens = 64;
  Matrix<float> weights(rows, cols), activations(tokens, cols);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) weights(i, j) = std::sin(static_cast<float>(3 * i + 7 * j + 1));
  for (Index t = 0; t < tokens; ++t)
    for (Index j = 0; j < cols; ++j)
      activations(t, j) = std::cos(static_cast<float>(t * (j + 1))) + 0.5F * std::sin(static_cast<float>(t));

  GramAccumulator gram(cols);
  if (const Status added = gram.add(activations); !added)
    return std::fputs(to_string(added.error()).c_str(), stderr), 1;

  const Options options{.grid = *Grid::parse("int4s"), .scale_rule = "absmax"};
  const Expected<Quantized> result = quantize_gptq(weights, gram.gram(), options, std::nullopt, "example");
  if (!result) return std::fputs(to_string(result.error()).c_str(), stderr), 1;
  const auto sum = [](const std::vector<double>& losses) { return std::accumulate(losses.begin(), losses.end(), 0.0); };
  std::printf("loss: RTN %.6g, GPTQ with guard %.6g\n", sum(result->loss_rtn), sum(result->loss_final));
  return sum(result->loss_final) <= sum(result->loss_rtn) ? 0 : 1;
}
