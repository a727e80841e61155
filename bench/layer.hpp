// The layers whose quantization is timed.
#pragma once

#include <cstdlib>
#include <map>
#include <random>

#include "linalg/gram.hpp"

namespace hallmark::bench {

struct Tensor {
  Matrix<float> W;
  Matrix<double> G;
};

// Weights as a trained layer has them; activations an AR(1) sequence over the columns, twice as many tokens as columns.
inline const Tensor& tensor(Index rows, Index cols) {
  static std::map<std::pair<Index, Index>, Tensor> made;
  const auto [entry, fresh] = made.try_emplace({rows, cols});
  Tensor& t = entry->second;
  if (!fresh) return t;
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  t.W.resize(rows, cols);
  for (Index i = 0; i < t.W.size(); ++i) t.W.data()[i] = 0.02F * normal(random);
  GramAccumulator sum(cols);
  Matrix<float> X(256, cols);
  for (Index done = 0; done < 2 * cols; done += X.rows()) {
    for (Index i = 0; i < X.rows(); ++i)
      for (Index j = 0; j < cols; ++j) X(i, j) = j == 0 ? normal(random) : 0.7F * X(i, j - 1) + 0.7F * normal(random);
    if (!sum.add(X)) std::abort();
  }
  t.G = sum.gram();
  return t;
}

}  // namespace hallmark::bench
