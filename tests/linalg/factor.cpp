// H = U D U^T: the blocked factorization is the plain program, bit for bit, and its residual is what T15 allows.
#include "linalg/factor.hpp"

#include <cmath>
#include <limits>

#include "linalg/gram.hpp"
#include "linalg/hessian.hpp"
#include "random.hpp"

namespace factor_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

Matrix<double> random_hessian(Index n, std::uint32_t seed) {
  const Matrix<double> G = gram_ref(normal_matrix<float>(2 * n + 1, n, seed));
  return hessian(G, damping(G, 0.01));
}

Matrix<double> hilbert(Index n) {
  Matrix<double> H(n, n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) H(i, j) = 1.0 / static_cast<double>(i + j + 1);
  return H;
}

// max over i <= j of |H - U D U^T|_ij / sum_k |U_ik| d_k |U_jk|, in long double: the g of T15.
long double residual_ratio(const Matrix<double>& H, const Factor& factor) {
  long double worst = 0;
  for (Index i = 0; i < H.rows(); ++i)
    for (Index j = i; j < H.rows(); ++j) {
      long double residual = H(i, j), size = 0;
      for (Index k = j; k < H.rows(); ++k) {
        const long double term =
            static_cast<long double>(factor.U(i, k)) * static_cast<long double>(factor.d[k]) * factor.U(j, k);
        residual -= term;
        size += std::abs(term);
      }
      if (size > 0) worst = std::max(worst, std::abs(residual) / size);
    }
  return worst;
}

}  // namespace

TEST_CASE("blocks, threads and SIMD targets give the bits of the plain program") {
  for (const Index n : {1, 2, 7, 24, 63, 64, 65, 150}) {
    CAPTURE(n);
    const Matrix<double> H = random_hessian(n, static_cast<std::uint32_t>(n));
    const auto reference = factor_udu_ref(H);
    REQUIRE(reference);
    const auto same = [&](Index block) {
      CAPTURE(block);
      const auto factor = factor_udu(H, block);
      REQUIRE(factor);
      CHECK(factor->U == reference->U);
      CHECK(factor->d == reference->d);
    };
    for_each_target([&] {
      for (const Index block : {1, 8, 13, 64, 200}) same(block);
    });
    for_each_thread_count([&] { same(32); });
  }
}

TEST_CASE("the factor of T5 is exact: U = [[1,2,0],[0,1,1/4],[0,0,1]], d = (2,2,32)") {
  Matrix<double> H(3, 3), U(3, 3);
  H << 10, 4, 0, 4, 4, 8, 0, 8, 32;
  U << 1, 2, 0, 0, 1, 0.25, 0, 0, 1;
  const auto factor = factor_udu(H);
  REQUIRE(factor);
  CHECK(factor->U == U);
  CHECK(factor->d == Vector<double>{{2, 2, 32}});
}

TEST_CASE("the residual is within T15 on every family") {
  const auto check = [](const Matrix<double>& H) {
    const auto factor = factor_udu(H);
    REQUIRE(factor);
    // long double has 11 more bits: its own error stays far below one unit of g
    CHECK(residual_ratio(H, *factor) <= static_cast<long double>(H.rows() + 2) * 0x1p-53L);
  };
  check(random_hessian(90, 3));
  check(hilbert(12));
  check(Matrix<double>::Identity(5, 5));
  Matrix<double> scaled = random_hessian(20, 4);  // extreme scale: powers of two change no bit of the ratios
  for (Index i = 0; i < 20; ++i)
    for (Index j = 0; j < 20; ++j) scaled(i, j) = std::ldexp(scaled(i, j), static_cast<int>(7 * (i + j)) - 300);
  check(scaled);
  const Matrix<double> low_rank = gram_ref(normal_matrix<float>(3, 40, 5));
  check(hessian(low_rank, damping(low_rank, 1e-6)));
}

TEST_CASE("U is unit upper triangular and d positive") {
  const auto factor = factor_udu(random_hessian(30, 6));
  REQUIRE(factor);
  for (Index i = 0; i < 30; ++i) {
    CHECK(factor->U(i, i) == 1);
    CHECK(factor->d[i] > 0);
    for (Index j = 0; j < i; ++j) CHECK(factor->U(i, j) == 0);
  }
}

TEST_CASE("only the upper triangle is read") {
  Matrix<double> H = random_hessian(70, 7);
  const auto before = factor_udu(H);
  for (Index i = 0; i < 70; ++i)
    for (Index j = 0; j < i; ++j) H(i, j) = std::numeric_limits<double>::quiet_NaN();
  const auto after = factor_udu(H, 32);
  REQUIRE(before);
  REQUIRE(after);
  CHECK(before->U == after->U);
}

TEST_CASE("the first failing pivot is named, the same for every block size") {
  Matrix<double> H = random_hessian(100, 8);
  H(41, 41) = -1;  // with H_41,41 negative the pivot 41 cannot be positive
  const auto reference = factor_udu_ref(H);
  REQUIRE(!reference);
  CHECK(reference.error().exit == Exit::numeric);
  CHECK(reference.error().number == 501);
  CHECK(reference.error().where.find("pivot 41 is -") != std::string::npos);
  for (const Index block : {1, 16, 64, 128}) {
    const auto factor = factor_udu(H, block);
    REQUIRE(!factor);
    CHECK(factor.error().where == reference.error().where);
  }
}

TEST_CASE("zero, infinite and NaN pivots are failures") {
  for (const double bad : {0.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    Matrix<double> H = Matrix<double>::Identity(4, 4);
    H(2, 2) = bad;
    Vector<double> d;
    const auto failure = factor_udu_in_place(H, d);
    REQUIRE(failure);
    CHECK(failure->pivot == 2);
    CHECK(!factor_udu_ref(Matrix<double>::Identity(4, 4) * bad));
  }
}

TEST_CASE("the empty matrix has the empty factor") {
  const auto factor = factor_udu(Matrix<double>(0, 0));
  REQUIRE(factor);
  CHECK(factor->U.size() == 0);
}

}  // namespace factor_test
