// The exact dyadics and the loss on them, against rationals and by hand.
#include "oracle/exact_loss.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

using hallmark::oracle::Dyadic;
using hallmark::oracle::exact_loss;

TEST_CASE("a dyadic is the binary64 number it was made of") {
  for (const double x : {0.0, 1.0, -0.75, 0x1p-1074, 0x1.fffffffffffffp1023, -0x1.23456789abcdep-500, 1e300, -3.0}) {
    CAPTURE(x);
    CHECK(Dyadic(x).rational() == mpq_class(x));
    CHECK(Dyadic(x).round_down() == x);
    CHECK(Dyadic(x).round_up() == x);
  }
}

TEST_CASE("arithmetic agrees with rationals, also across far exponents") {
  std::mt19937_64 generator(1);
  std::uniform_int_distribution<int> exponent(-300, 300);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 2000; ++i) {
    const double x = std::ldexp(normal(generator), exponent(generator)), y = std::ldexp(normal(generator), exponent(generator));
    const mpq_class a(x), b(y);
    CHECK((Dyadic(x) + Dyadic(y)).rational() == a + b);
    CHECK((Dyadic(x) - Dyadic(y)).rational() == a - b);
    CHECK((Dyadic(x) * Dyadic(y)).rational() == a * b);
    CHECK(compare(Dyadic(x), Dyadic(y)) == (x > y) - (x < y));
    const Dyadic sum = Dyadic(x) + Dyadic(y);
    const double lo = sum.round_down(), hi = sum.round_up();
    CHECK(mpq_class(lo) <= a + b);
    CHECK(mpq_class(hi) >= a + b);
    CHECK((lo == hi || std::nextafter(lo, hi) == hi));
  }
}

TEST_CASE("rounding at the ends of the range") {
  constexpr double infinity = std::numeric_limits<double>::infinity(), max = std::numeric_limits<double>::max();
  const Dyadic huge = Dyadic(max) * Dyadic(2.0), tiny = Dyadic(0x1p-1074) * Dyadic(0.5);
  CHECK(huge.round_down() == max);
  CHECK(huge.round_up() == infinity);
  CHECK((-huge).round_down() == -infinity);
  CHECK(tiny.round_down() == 0);
  CHECK(tiny.round_up() == 0x1p-1074);
  CHECK((-tiny).round_down() == -0x1p-1074);
  const Dyadic third = Dyadic(0x1p-1074) * Dyadic(1.5);
  CHECK(third.round_down() == 0x1p-1074);
  CHECK(third.round_up() == 0x1p-1073);
}

TEST_CASE("the exact loss of T5's GF16 counterexample: 51/2^22 and 19/2^22") {
  const std::vector<float> w{3073 / 2048.0F, 3073 / 2048.0F, 3071 / 2048.0F}, s{1, 1, 1};
  const std::vector<double> G{5, 2, 0, 2, 2, 4, 0, 4, 16};
  const std::vector<double> gptq{1.5, 769 / 512.0, 1.5}, rtn{1.5, 1.5, 1.5};
  CHECK(exact_loss(w, s, gptq, G).rational() == mpq_class(51, 1L << 22));
  CHECK(exact_loss(w, s, rtn, G).rational() == mpq_class(19, 1L << 22));
}

TEST_CASE("the exact loss is the rational quadratic form, scales included") {
  std::mt19937 generator(2);
  std::normal_distribution<double> normal;
  for (const std::size_t n : {1U, 2U, 7U, 20U}) {
    std::vector<float> w(n), s(n);
    std::vector<double> g(n), G(n * n);
    for (std::size_t j = 0; j < n; ++j) {
      w[j] = static_cast<float>(normal(generator));
      s[j] = static_cast<float>(std::exp2(normal(generator)));
      g[j] = std::round(4 * normal(generator));
      for (std::size_t i = 0; i <= j; ++i) G[i * n + j] = G[j * n + i] = std::ldexp(normal(generator), static_cast<int>(generator() % 80));
    }
    mpq_class sum(0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        const mpq_class ei = mpq_class(w[i]) - mpq_class(s[i]) * mpq_class(g[i]), ej = mpq_class(w[j]) - mpq_class(s[j]) * mpq_class(g[j]);
        sum += ei * mpq_class(G[i * n + j]) * ej;
      }
    CHECK(exact_loss(w, s, g, G).rational() == sum);
  }
}
