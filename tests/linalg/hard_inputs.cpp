// Inputs on which vector code fails when it fails: numbers that underflow, rows apart from each other, buffers off the
// vectors' alignment. The plain twins decide, on every SIMD target.
#include <cmath>
#include <limits>
#include <vector>

#include "linalg/factor.hpp"
#include "linalg/gram.hpp"
#include "linalg/hessian.hpp"
#include "linalg/strip.hpp"
#include "random.hpp"

namespace hard_inputs_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

/// Magnitudes from the smallest subnormal up to 2^span times it.
template <class T>
Matrix<T> tiny_matrix(Index rows, Index columns, int span, std::uint32_t seed) {
  Matrix<T> M = normal_matrix<T>(rows, columns, seed);
  std::mt19937 generator(seed);
  constexpr int smallest = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
  for (Index i = 0; i < M.size(); ++i)
    M.data()[i] = std::ldexp(M.data()[i], smallest + static_cast<int>(generator() % static_cast<unsigned>(span)));
  return M;
}

template <class T>
void check_strip_underflow() {
  // Products of about 2^-120 (2^-1000) and sums of the size of the smallest subnormal: most terms round to a few bits
  // or to 0.
  const Index count = 41, lanes = kLanes<T>;
  const int half = std::numeric_limits<T>::min_exponent / 2;
  const Matrix<T> a = normal_matrix<T>(count, lanes, 31) * static_cast<T>(std::ldexp(1.0, half - 8));
  const Matrix<T> b = normal_matrix<T>(count, kStrip, 32) * static_cast<T>(std::ldexp(1.0, half - 8));
  Matrix<T> fast = tiny_matrix<T>(kStrip, lanes, 12, 33), slow = fast;
  accumulate_strip(a.data(), b.data(), count, fast.data(), lanes);
  accumulate_strip_ref(a.data(), b.data(), count, slow.data(), lanes);
  CHECK(fast == slow);
  Index subnormal = 0;
  for (Index i = 0; i < slow.size(); ++i) subnormal += std::fpclassify(slow.data()[i]) == FP_SUBNORMAL;
  CHECK(subnormal > slow.size() / 2);  // flushed to zero, the test would show it
}

}  // namespace

TEST_CASE("sums of subnormal numbers are those of the plain twin: nothing is flushed to zero") {
  for_each_target([] {
    check_strip_underflow<float>();
    check_strip_underflow<double>();
    Matrix<double> y = tiny_matrix<double>(1, 70, 12, 34), y_ref = y;
    const Matrix<double> x = tiny_matrix<double>(1, 70, 12, 35);
    multiply_add(x.data(), 0.7, y.data(), 70);
    multiply_add_ref(x.data(), 0.7, y_ref.data(), 70);
    CHECK(y == y_ref);
  });
}

TEST_CASE("a Gram matrix of subnormal activations, and the factor of what it gives") {
  const Matrix<float> X = tiny_matrix<float>(120, 53, 20, 36);
  const Matrix<double> G = gram_ref(X), H = hessian(G, damping(G, 0.01));
  const auto expected = factor_udu_ref(H);
  REQUIRE(expected);
  for_each_target([&] {
    for_each_thread_count([&] {
      GramAccumulator gram(53);
      REQUIRE(gram.add(X));
      CHECK(gram.gram() == G);
      const auto factor = factor_udu(H, 24);
      REQUIRE(factor);
      CHECK(factor->U == expected->U);
      CHECK(factor->d == expected->d);
    });
  });
}

TEST_CASE("a Hessian of subnormal entries is factored as the plain program does") {
  Matrix<double> H = hessian(gram_ref(normal_matrix<float>(80, 37, 37)), 1.0);
  H *= 0x1p-1060;  // entries keep a few bits, and pivots may fail: then at the same place
  const auto expected = factor_udu_ref(H);
  for_each_target([&] {
    const auto factor = factor_udu(H, 8);
    REQUIRE(static_cast<bool>(factor) == static_cast<bool>(expected));
    if (expected) {
      CHECK(factor->U == expected->U);
      CHECK(factor->d == expected->d);
    } else {
      CHECK(factor.error().where == expected.error().where);
    }
  });
}

TEST_CASE("rows apart from each other, and off the vectors' alignment") {
  const Matrix<float> X = normal_matrix<float>(67, 29, 38);
  const Matrix<double> G = gram_ref(X);
  for_each_target([&] {
    for (const Index before : {0, 1, 3}) {
      std::vector<float> buffer(static_cast<std::size_t>(67 * 40 + before),
                                std::nanf(""));  // read, it would be refused
      Eigen::Map<Matrix<float>, Eigen::Unaligned, Eigen::OuterStride<>> view(buffer.data() + before, 67, 29,
                                                                             Eigen::OuterStride<>(40));
      view = X;
      GramAccumulator gram(29);
      REQUIRE(gram.add(view));
      CHECK(gram.gram() == G);
      CHECK(gram_ref(view) == G);
    }
    GramAccumulator by_columns(29);  // what is not row-major is copied by Eigen, not misread
    REQUIRE(by_columns.add(Eigen::MatrixXf(X)));
    CHECK(by_columns.gram() == G);
  });
}

}  // namespace hard_inputs_test
