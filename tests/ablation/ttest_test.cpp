#include "measure/ttest.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>

namespace ttest_test {

using namespace hallmark;

namespace {

using Three = std::array<double, 3>;

PairedTest test_of(const Three& before, const Three& after) {
  auto test = paired_t_test(before, after);
  REQUIRE(test);
  return *test;
}

// The differences themselves, exactly: after = 0.
PairedTest test_of(const Three& differences) { return test_of(differences, {0, 0, 0}); }

}  // namespace

TEST_CASE("published vectors of the paired test") {
  const auto lift = test_of({1.05664, 1.05655, 1.05689587}, {1.05662016, 1.05610947, 1.05679341});
  CHECK(lift.mean == doctest::Approx(0.00018761).epsilon(1e-5));
  CHECK(lift.deviation == doctest::Approx(0.00022290).epsilon(2e-5));
  CHECK(*lift.t == doctest::Approx(1.45785).epsilon(1e-5));
  CHECK(*lift.p == doctest::Approx(0.14112).epsilon(3e-5));
  CHECK(lift.significant);

  const auto large = test_of({3.474313, 3.442213, 3.469556}, {1.100163, 1.102204, 1.100334});
  CHECK(large.mean == doctest::Approx(2.361127).epsilon(1e-6));
  CHECK(large.deviation == doctest::Approx(0.018454).epsilon(3e-5));
  CHECK(*large.t == doctest::Approx(221.611).epsilon(3e-6));
  CHECK(*large.p == doctest::Approx(1.018e-5).epsilon(5e-4));
}

TEST_CASE("closed form of the tail with two degrees of freedom at its critical values") {
  CHECK(upper_tail_df2(0) == 0.5);
  CHECK(upper_tail_df2(std::sqrt(2.0 / 3)) == doctest::Approx(0.25).epsilon(1e-15));
  CHECK(upper_tail_df2(-std::sqrt(2.0 / 3)) == doctest::Approx(0.75).epsilon(1e-15));
  CHECK(upper_tail_df2(1.8856) == doctest::Approx(0.10).epsilon(1e-4));
  CHECK(upper_tail_df2(2.9200) == doctest::Approx(0.05).epsilon(1e-4));
  CHECK(upper_tail_df2(6.9646) == doctest::Approx(0.01).epsilon(1e-4));
  // 1/(2 t^2) for large t: the subtraction of the naive form would leave nothing.
  CHECK(upper_tail_df2(1e9) == doctest::Approx(0.5e-18).epsilon(1e-12));
}

TEST_CASE("Boost and the closed form agree over the whole range, or paired_t_test says so") {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 2000; ++i) {
    const double shift = std::ldexp(normal(random), i % 40 - 10);
    const Three before{shift + normal(random), shift + normal(random), shift + normal(random)};
    const auto test = paired_t_test(before, Three{0, 0, 0});
    REQUIRE(test);
    REQUIRE(std::abs(*test->p - upper_tail_df2(*test->t)) <= 1e-12 * *test->p);
    // Away from the threshold the exact decision and p say the same.
    if (std::abs(*test->p - 0.25) > 1e-9) REQUIRE(test->significant == (*test->p < 0.25));
  }
}

TEST_CASE("the decision at 1/4 is exact on its boundary") {
  // d = (1 - a, 1, 1 + a): 9 mean^2 = 9 > 2 a^2 iff a < 3 / sqrt 2 = 2.1213203435596424...
  const double a = 3 / std::sqrt(2.0);
  const double below = std::nextafter(a, 0), above = std::nextafter(a, 4);
  const auto decided = [](double spread) { return test_of({1 - spread, 1, 1 + spread}).significant; };
  CHECK(decided(below));
  CHECK_FALSE(decided(above));
  CHECK(decided(1));
  CHECK_FALSE(decided(3));
  // 9 mean^2 = ss has no rational solution but 0: with d = mean + (x, y, -x-y) it says 2 (x^2 + xy + y^2) = 9 mean^2,
  // and 2 divides the norm form x^2 + xy + y^2 an even number of times. So > and >= decide alike, except for mean 0.
  CHECK_FALSE(test_of({-1, 0, 1}).significant);
  CHECK_FALSE(test_of({-3, -1, -2}).significant);
}

TEST_CASE("the decision reads the differences without rounding") {
  // 1 + 2^-60 - 1 is 0 in binary64 arithmetic on sums but the pair (2^-60, 1) vs (0, 1) keeps its difference.
  const auto tiny = test_of({0x1p-60, 1 + 0x1p-52, 2}, {0, 1, 2 - 0x1p-52});
  CHECK(tiny.differences == std::vector<double>{0x1p-60, 0x1p-52, 0x1p-52});
  CHECK(tiny.significant);
  // before - after is not a binary64 number here: rounded it would be 1 in all three, a degenerate test.
  const auto inexact = test_of({1, 1, 1}, {0x1p-60, 0, -0x1p-60});
  CHECK(inexact.differences == std::vector<double>{1, 1, 1});
  CHECK_FALSE(inexact.degenerate);
  CHECK(inexact.significant);
}

TEST_CASE("equal differences: no t, no p, not significant") {
  for (const double d : {0.0, 0.25, -0.25}) {
    const auto test = test_of({1 + d, 2 + d, 3 + d}, {1, 2, 3});
    CHECK(test.degenerate);
    CHECK_FALSE(test.t.has_value());
    CHECK_FALSE(test.p.has_value());
    CHECK_FALSE(test.significant);
    CHECK(test.mean == d);
    CHECK(test.deviation == 0);
  }
  CHECK_FALSE(test_of({0.1, 0.1, std::nextafter(0.1, 1)}).degenerate);
}

TEST_CASE("the smallest mean that three seeds could have shown") {
  // sqrt(2/3) sd / sqrt 3; with sd = 2.2e-4 this is 1.04e-4.
  const auto test = test_of({1.05664, 1.05655, 1.05689587}, {1.05662016, 1.05610947, 1.05679341});
  CHECK(test.smallest_mean == doctest::Approx(std::sqrt(2.0) / 3 * test.deviation).epsilon(1e-12));
  const double s = test.smallest_mean, d = test.deviation;
  CHECK(test_of({s * 1.000001 - d, s * 1.000001, s * 1.000001 + d}).significant);
  CHECK_FALSE(test_of({s * 0.999999 - d, s * 0.999999, s * 0.999999 + d}).significant);
}

TEST_CASE("other sample sizes use their own degrees of freedom") {
  // df = 1 is Cauchy: p = 1/2 - atan(t)/pi; df = 3 critical value at 0.25 is 0.76489.
  const auto two = paired_t_test(std::array{3.0, 1.0}, std::array{0.0, 0.0});
  REQUIRE(two);
  CHECK(*two->t == doctest::Approx(2).epsilon(1e-14));
  CHECK(*two->p == doctest::Approx(0.5 - std::atan(2.0) / 3.14159265358979324).epsilon(1e-12));
  const auto four = paired_t_test(std::array{1.0, 2.0, 3.0, 4.0}, std::array{0.0, 0.0, 0.0, 0.0});
  REQUIRE(four);
  CHECK(four->smallest_mean == doctest::Approx(0.7648923 * four->deviation / 2).epsilon(1e-6));
}

TEST_CASE("bad samples") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  CHECK(paired_t_test(std::array{1.0, 2.0}, std::array{1.0}).error().number == 371);
  CHECK(paired_t_test(std::array{1.0}, std::array{1.0}).error().number == 371);
  CHECK(paired_t_test(std::array{1.0, nan, 2.0}, std::array{1.0, 1.0, 1.0}).error().number == 372);
  CHECK(paired_t_test(std::array{1.0, 1.0, 2.0}, std::array{1.0, infinity, 1.0}).error().number == 372);
}

}  // namespace ttest_test
