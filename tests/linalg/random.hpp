// Random matrices and the loop over SIMD targets that the tests of linalg and quantize share.
#pragma once

#include <doctest/doctest.h>
#include <omp.h>

#include <cstdint>
#include <random>

#include "linalg/matrix.hpp"
#include "base/simd.hpp"

namespace hallmark::test {

template <class T>
Matrix<T> normal_matrix(Index rows, Index columns, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Matrix<T> M(rows, columns);
  for (Index i = 0; i < M.size(); ++i) M.data()[i] = static_cast<T>(normal(generator));
  return M;
}

/// Tokens x columns whose columns are an AR(1) sequence of the given correlation.
inline Matrix<float> ar1_activations(Index tokens, Index columns, double correlation, std::uint32_t seed) {
  Matrix<double> X = normal_matrix<double>(tokens, columns, seed);
  const double fresh = std::sqrt(1 - correlation * correlation);
  for (Index t = 0; t < tokens; ++t)
    for (Index j = 1; j < columns; ++j) X(t, j) = correlation * X(t, j - 1) + fresh * X(t, j);
  return X.cast<float>();
}

/// Runs body once per SIMD target of this machine, each forced and seen to be in force.
template <class Body>
void for_each_target(Body body) {
  const auto targets = simd_targets();
  REQUIRE(!targets.empty());
  for (const auto& target : targets) {
    CAPTURE(target);
    REQUIRE(set_simd_target(target));
    REQUIRE(simd_target() == target);
    body();
  }
  REQUIRE(set_simd_target(""));
}

/// Runs body with 1, 2 and 5 threads.
template <class Body>
void for_each_thread_count(Body body) {
  const int before = omp_get_max_threads();
  for (const int threads : {1, 2, 5}) {
    CAPTURE(threads);
    omp_set_num_threads(threads);
    body();
  }
  omp_set_num_threads(before);
}

}  // namespace hallmark::test
