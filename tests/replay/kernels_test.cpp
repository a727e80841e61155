// The kernels: every vector target gives the bits of the plain loops; the exponential is accurate.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include <mpfr.h>

#include "base/simd.hpp"
#include "replay/kernels.hpp"

namespace kernels_test {

using namespace hallmark;

namespace {

std::vector<double> random_values(std::size_t n, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(n);
  for (double& value : values) value = normal(generator);
  return values;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

template <class Body>
void on_every_target(Body body) {
  const auto targets = simd_targets();
  REQUIRE(targets.back() == "reference");
  for (const auto& target : targets) {
    CAPTURE(target);
    REQUIRE(set_simd_target(target));
    CHECK(simd_target() == target);
    body();
  }
  REQUIRE(set_simd_target(""));
}

// |computed - exp(x)| in units of the last place of the true value, by MPFR.
double ulps_from_exp(double x, double computed) {
  mpfr_t exact;
  mpfr_init2(exact, 200);
  mpfr_set_d(exact, x, MPFR_RNDN);
  mpfr_exp(exact, exact, MPFR_RNDN);
  const long places = 53 - mpfr_get_exp(exact);
  mpfr_sub_d(exact, exact, computed, MPFR_RNDN);
  mpfr_mul_2si(exact, exact, places, MPFR_RNDN);
  const double error = std::abs(mpfr_get_d(exact, MPFR_RNDN));
  mpfr_clear(exact);
  return error;
}

}  // namespace

TEST_CASE("product gives the reference's bits on every target, at sizes around every tile") {
  for (const Index rows : {1, 3, 4, 5, 6, 7, 13})
    for (const Index cols : {1, 7, 8, 9, 12, 24, 31, 32, 33, 65})
      for (const Index inner : {1, 2, 33}) {
        CAPTURE(rows);
        CAPTURE(cols);
        CAPTURE(inner);
        const Index ldx = inner + 2, ldw = cols + 1, ldy = cols + 3;
        const auto x = random_values(static_cast<std::size_t>(rows * ldx), 1),
                   w = random_values(static_cast<std::size_t>(inner * ldw), 2);
        std::vector<double> expected(static_cast<std::size_t>(rows * ldy), -7.0);
        replay::product_ref(x.data(), ldx, w.data(), ldw, expected.data(), ldy, rows, inner, cols);
        REQUIRE(expected[0] != -7.0);
        on_every_target([&] {
          std::vector<double> y(expected.size(), -7.0);  // the gaps between rows stay untouched
          replay::product(x.data(), ldx, w.data(), ldw, y.data(), ldy, rows, inner, cols);
          CHECK(same_bits(y, expected));
        });
      }
}

TEST_CASE("product takes k increasing, each term by one fma") {
  // 2^53 + 1 - 2^53 is 0 in this order; 1 + 2^-60 is kept by an fma alone: (1 + 2^-30)^2 - 1 - 2^-29 = 2^-60.
  const double e = 1 + 0x1p-30;
  const std::vector<double> x{0x1p53, 1, -0x1p53, -1, -0x1p-29, e}, w{1, 1, 1, 1, 1, e};
  double y = -7;
  replay::product(x.data(), 6, w.data(), 1, &y, 1, 1, 3, 1);
  CHECK(y == 0);
  replay::product(x.data() + 3, 3, w.data() + 3, 1, &y, 1, 1, 3, 1);
  CHECK(y == 0x1p-60);
}

TEST_CASE("rms_norm gives the reference's bits on every target and unit mean squares") {
  const Index rows = 11, cols = 37;
  const auto x = random_values(static_cast<std::size_t>(rows * cols), 3);
  std::vector<double> expected(x.size());
  replay::rms_norm_ref(x.data(), expected.data(), rows, cols, 0x1p-23);
  for (Index t = 0; t < rows; ++t) {
    double sum = 0;
    for (Index k = 0; k < cols; ++k)
      sum += expected[static_cast<std::size_t>(t * cols + k)] * expected[static_cast<std::size_t>(t * cols + k)];
    CHECK(sum / static_cast<double>(cols) == doctest::Approx(1).epsilon(1e-6));
  }
  on_every_target([&] {
    auto y = x;
    replay::rms_norm(y.data(), y.data(), rows, cols, 0x1p-23);
    CHECK(same_bits(y, expected));
  });
}

TEST_CASE("exponential: every target alike, within one ulp, clamped at the ends") {
  std::vector<double> x{0.0, -0.0, 1, -1, 709, -708, 0x1p-1074, 0.34657359027997264, -0.34657359027997264, 1e-9};
  std::mt19937 generator(4);
  std::uniform_real_distribution<double> wide(-708, 709), narrow(-1, 1);
  for (int i = 0; i < 20000; ++i) x.push_back(i % 2 == 0 ? wide(generator) : narrow(generator));
  auto expected = x;
  replay::exponential_ref(expected.data(), static_cast<Index>(expected.size()));
  double worst = 0, worst_at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = ulps_from_exp(x[i], expected[i]);
    if (!(error <= worst)) worst = error, worst_at = x[i];
  }
  MESSAGE("worst error: " << worst << " ulp at " << worst_at);
  CHECK(worst <= 1.0);
  CHECK(expected[0] == 1.0);
  on_every_target([&] {
    auto y = x;
    replay::exponential(y.data(), static_cast<Index>(y.size()));
    CHECK(same_bits(y, expected));
    std::vector<double> ends{-1e300, 1e300, -709, 710, 0, 0, 0, 0, 0};
    replay::exponential(ends.data(), static_cast<Index>(ends.size()));
    std::vector<double> clamped{-708, 709, -708, 709};
    replay::exponential_ref(clamped.data(), 4);
    for (std::size_t i = 0; i < 4; ++i) CHECK(ends[i] == clamped[i]);
  });
}

}  // namespace kernels_test
