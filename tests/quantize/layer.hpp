// A small layer under a grid's default rule, and the exact losses of its codes, which the tests of methods share.
#pragma once

#include <gmpxx.h>

#include <optional>

#include "../linalg/random.hpp"
#include "linalg/gram.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"
#include "oracle/exact_loss.hpp"

namespace hallmark::test {

struct SmallLayer {
  Matrix<float> W;
  Matrix<double> G;
  Grid grid;
  Steps steps;
  Rounded rtn;
};

inline SmallLayer make_layer(Matrix<float> W, Matrix<double> G, const char* name, Index group_size = 0) {
  SmallLayer s{std::move(W), std::move(G), *Grid::parse(name), {}, {}};
  s.steps =
      *steps_for(s.grid, default_scale_rule(s.grid), ScaleStorage::f32, s.W.data(), s.W.rows(), s.W.cols(), group_size);
  s.rtn = round_to_nearest(s.W, s.grid, s.steps);
  return s;
}

inline SmallLayer random_layer(Index rows, Index columns, const char* name, Index group_size = 0) {
  return make_layer(normal_matrix<float>(rows, columns, 51), gram_ref(ar1_activations(columns + 9, columns, 0.8, 52)),
                    name, group_size);
}

/// The loss of row i under these codes and steps, of a layer with W, G and a grid.
template <class Layer>
mpq_class exact(const Layer& s, const Matrix<Code>& codes, const Steps& steps, Index i) {
  std::vector<float> w, scale;
  std::vector<double> point;
  for (Index j = 0; j < s.W.cols(); ++j) {
    w.push_back(s.W(i, j));
    scale.push_back(steps.scale(i, j));
    point.push_back(s.grid.value(codes(i, j), steps.zero(i, j)));
  }
  const oracle::ExactGram G({s.G.data(), static_cast<std::size_t>(s.G.size())}, w.size());
  return G.loss(w, scale, point).rational();
}

/// The layer quantized.
inline Expected<Quantized> run(const SmallLayer& s, const Options& options,
                               const std::optional<Steps>& given = std::nullopt) {
  const MatrixRef<float> W(s.W);
  const MatrixRef<double> G(s.G);
  return quantize({"w", W, &G}, options, given);
}

}  // namespace hallmark::test
