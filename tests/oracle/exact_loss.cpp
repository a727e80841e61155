// The exact dyadics and the loss on them, against rationals and by hand.
#include "oracle/exact_loss.hpp"

#include <doctest/doctest.h>
#include <mpfr.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace exact_loss_test {

using hallmark::oracle::Digits;
using hallmark::oracle::digits_of;
using hallmark::oracle::dot;
using hallmark::oracle::dot_of_magnitudes;
using hallmark::oracle::Dyadic;
using hallmark::oracle::ExactGram;

namespace {

// A double that spreads over the whole range of exponents asked for.
double spread(std::mt19937_64& generator, int exponents) {
  const double fraction = static_cast<double>(static_cast<std::int64_t>(generator())) * 0x1p-63;
  return std::ldexp(fraction, static_cast<int>(generator() % static_cast<unsigned>(2 * exponents + 1)) - exponents);
}

// The same loss in MPFR, with the precision so large that every operation reports an exact result, and that asserted.
class ExactMpfr {
 public:
  ExactMpfr() { mpfr_inits2(4096, sum_, row_, x_, static_cast<mpfr_ptr>(nullptr)); }
  ~ExactMpfr() { mpfr_clears(sum_, row_, x_, static_cast<mpfr_ptr>(nullptr)); }

  mpq_class loss(const std::vector<float>& w, const std::vector<float>& s, const std::vector<double>& g,
                 const std::vector<double>& G) {
    const std::size_t n = w.size();
    mpfr_clear_flags();
    exact(mpfr_set_zero_of(sum_));
    for (std::size_t i = 0; i < n; ++i) {
      exact(mpfr_set_zero_of(row_));
      for (std::size_t j = 0; j < n; ++j) {
        error(x_, w[j], s[j], g[j]);
        exact(mpfr_mul_d(x_, x_, G[i * n + j], MPFR_RNDN));
        exact(mpfr_add(row_, row_, x_, MPFR_RNDN));
      }
      error(x_, w[i], s[i], g[i]);
      exact(mpfr_mul(row_, row_, x_, MPFR_RNDN));
      exact(mpfr_add(sum_, sum_, row_, MPFR_RNDN));
    }
    CHECK(!mpfr_inexflag_p());
    mpq_class result;
    mpfr_get_q(result.get_mpq_t(), sum_);
    return result;
  }

 private:
  static int mpfr_set_zero_of(mpfr_ptr x) { return mpfr_set_ui(x, 0, MPFR_RNDN); }
  static void exact(int ternary) { REQUIRE(ternary == 0); }
  static void error(mpfr_ptr x, float w, float s, double g) {
    exact(mpfr_set_d(x, s, MPFR_RNDN));
    exact(mpfr_mul_d(x, x, g, MPFR_RNDN));
    exact(mpfr_d_sub(x, w, x, MPFR_RNDN));
  }

  mpfr_t sum_, row_, x_;
};

}  // namespace

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
    const double x = std::ldexp(normal(generator), exponent(generator)),
                 y = std::ldexp(normal(generator), exponent(generator));
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

TEST_CASE("a dyadic has one text, and no other text is read") {
  CHECK(Dyadic(0.0).text() == "0x0p0");
  CHECK(Dyadic(1.0).text() == "0x1p0");
  CHECK(Dyadic(-0.75).text() == "-0x3p-2");
  CHECK(Dyadic(mpz_class(48), 3).text() == "0x3p7");
  std::mt19937_64 generator(7);
  for (int i = 0; i < 500; ++i) {
    const Dyadic x = Dyadic(spread(generator, 300)) + Dyadic(spread(generator, 300));
    const auto read = Dyadic::parse(x.text());
    REQUIRE(read);
    CHECK(compare(*read, x) == 0);
  }
  for (const char* bad : {"",
                          "0",
                          "0x",
                          "0xp0",
                          "0x1",
                          "0x1p",
                          "0x2p0",
                          "0x01p0",
                          "0x1p+1",
                          "0x1p01",
                          "0x1p 1",
                          " 0x1p1",
                          "0x1p1 ",
                          "+0x1p1",
                          "-0x0p0",
                          "0x0p1",
                          "0xAp0",
                          "0x1.8p0",
                          "-1p0",
                          "--0x1p0",
                          "0x-1p0",
                          "nan",
                          "inf",
                          "0x1p99999999999999999999",
                          "0x1p1048577",
                          "0x1p-1048577"}) {
    CAPTURE(bad);
    CHECK(!Dyadic::parse(bad));
  }
}

TEST_CASE("inner products of digits are those of rationals, for any spread and any length") {
  std::mt19937_64 generator(8);
  for (const int exponents : {0, 5, 60, 1000})
    for (const std::size_t n : {0U, 1U, 17U, 64U}) {
      std::vector<double> x, y;
      for (std::size_t j = 0; j < n; ++j) {
        x.push_back(j % 5 == 3 ? 0.0 : spread(generator, exponents));
        y.push_back(spread(generator, exponents));
      }
      const Digits a = digits_of(std::span<const double>(x)), b = digits_of(std::span<const double>(y));
      for (const std::size_t first : {std::size_t{0}, n / 2}) {
        mpq_class sum(0), magnitudes(0);
        for (std::size_t j = 0; first + j < n; ++j) {
          sum += mpq_class(x[j]) * mpq_class(y[first + j]);
          magnitudes += abs(mpq_class(x[j]) * mpq_class(y[first + j]));
        }
        CHECK(dot(a, b, n - first, first).rational() == sum);
        CHECK(dot_of_magnitudes(a, b, n - first, first).rational() == magnitudes);
      }
    }
  // The largest digits there are, more of them than one machine sum holds.
  const std::size_t many = 40000;
  const mpz_class largest = (mpz_class(1) << 112) - 1;
  const Digits extreme = digits_of(std::vector<Dyadic>(many, Dyadic(largest, -7)));
  CHECK(extreme.plane.size() == 2);
  CHECK(dot(extreme, extreme, many).rational() == mpq_class(largest * largest * many) / 16384);
}

TEST_CASE("the exact loss is MPFR's, whose every operation says that it is exact") {
  std::mt19937_64 generator(9);
  for (const int exponents : {0, 20, 90})
    for (const std::size_t n : {1U, 5U, 16U}) {
      std::vector<float> w, s;
      std::vector<double> g, G(n * n);
      for (std::size_t j = 0; j < n; ++j) {
        w.push_back(static_cast<float>(spread(generator, exponents)));
        s.push_back(static_cast<float>(std::fabs(spread(generator, exponents))));
        g.push_back(std::round(100 * spread(generator, 0)));
        for (std::size_t i = 0; i <= j; ++i) G[i * n + j] = G[j * n + i] = spread(generator, exponents);
      }
      CHECK(ExactGram(G, w.size()).loss(w, s, g).rational() == ExactMpfr().loss(w, s, g, G));
    }
}

TEST_CASE("the exact loss of T5's GF16 counterexample: 51/2^22 and 19/2^22") {
  const std::vector<float> w{3073 / 2048.0F, 3073 / 2048.0F, 3071 / 2048.0F}, s{1, 1, 1};
  const std::vector<double> G{5, 2, 0, 2, 2, 4, 0, 4, 16};
  const std::vector<double> gptq{1.5, 769 / 512.0, 1.5}, rtn{1.5, 1.5, 1.5};
  CHECK(ExactGram(G, w.size()).loss(w, s, gptq).rational() == mpq_class(51, 1L << 22));
  CHECK(ExactGram(G, w.size()).loss(w, s, rtn).rational() == mpq_class(19, 1L << 22));
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
      for (std::size_t i = 0; i <= j; ++i)
        G[i * n + j] = G[j * n + i] = std::ldexp(normal(generator), static_cast<int>(generator() % 80));
    }
    mpq_class sum(0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        const mpq_class ei = mpq_class(w[i]) - mpq_class(s[i]) * mpq_class(g[i]),
                        ej = mpq_class(w[j]) - mpq_class(s[j]) * mpq_class(g[j]);
        sum += ei * mpq_class(G[i * n + j]) * ej;
      }
    CHECK(ExactGram(G, w.size()).loss(w, s, g).rational() == sum);
  }
}

}  // namespace exact_loss_test
