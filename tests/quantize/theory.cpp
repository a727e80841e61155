// T1, T3, T4, T5 and T10 on exact rationals: the identities hold without a tolerance, and the instances that Coq proves
// and prints (tests/generated) come out of this code digit by digit.
#include <doctest/doctest.h>

#include "../generated/coq_examples.hpp"
#include "rational.hpp"

namespace theory_test {

using namespace hallmark;
using namespace hallmark::test;
using hallmark::study::difference;
using hallmark::study::quadratic_form;

TEST_CASE("T1: the damped loss is sum d_j (u_j - q_j)^2, for any codes and its residual form for any U") {
  RandomRationals random(1);
  for (int instance = 0; instance < 200; ++instance) {
    const std::size_t n = 1 + static_cast<std::size_t>(instance) % 5;
    const Square<Rational> H = hessian(gram(random.matrix(n, n + 1, 3)), ratio(1, 3));
    const auto [U, d] = study::upper_factor(H);
    const Row<Rational> w = random.row(n, 50, 7), q = random.row(n, 8, 1);  // any q at all
    const Row<Rational> e = difference(w, q);
    Rational sum(0), residual_form(0);
    for (std::size_t j = 0; j < n; ++j) {
      Rational t = e[j];
      for (std::size_t k = 0; k < j; ++k) t += e[k] * U[k][j];
      sum += d[j] * t * t;
    }
    CHECK(sum == quadratic_form(H, e));

    // Any unit upper V and any c: the difference is the residual's quadratic form.
    Square<Rational> V = U, R = H;
    Row<Rational> c = d;
    for (std::size_t i = 0; i < n; ++i) {
      c[i] += random.next(5, 9);
      for (std::size_t j = i + 1; j < n; ++j) V[i][j] += random.next(5, 11);
    }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t k = 0; k < n; ++k) R[i][j] -= V[i][k] * c[k] * V[j][k];
    for (std::size_t j = 0; j < n; ++j) {
      Rational t = e[j];
      for (std::size_t k = 0; k < j; ++k) t += e[k] * V[k][j];
      residual_form += c[j] * t * t;
    }
    CHECK(residual_form + quadratic_form(R, e) == quadratic_form(H, e));
  }
}

TEST_CASE("the textbook form chooses the codes of U D U^T") {
  RandomRationals random(2);
  for (int instance = 0; instance < 100; ++instance) {
    const std::size_t n = 1 + static_cast<std::size_t>(instance) % 6;
    const Square<Rational> H = hessian(gram(random.matrix(n, n, 4)), ratio(1, 5));
    const Row<Rational> w = random.row(n, 60, 9);
    const auto ours = study::gptq(study::upper_factor(H).U, w, nearest_integer);
    const auto book = study::textbook(H, w, nearest_integer);
    CHECK(ours.u == book.u);
    CHECK(ours.q == book.q);
  }
}

TEST_CASE("T4: with 1 or 2 columns GPTQ never loses, damped or plain, on integers and on GF16") {
  RandomRationals random(3);
  int strictly_better = 0;
  for (int instance = 0; instance < 2000; ++instance) {
    const std::size_t n = 1 + static_cast<std::size_t>(instance) % 2;
    const Square<Rational> G = gram(random.matrix(n, n, 5)), H = hessian(G, ratio(1 + instance % 7, 8));
    const auto check = [&](const Row<Rational>& w, auto nearest) {
      const Row<Rational> g = difference(w, study::gptq(study::upper_factor(H).U, w, nearest).q);
      const Row<Rational> r = difference(w, study::rtn(w, nearest).q);
      CHECK(quadratic_form(H, g) <= quadratic_form(H, r));
      CHECK(quadratic_form(G, g) <= quadratic_form(G, r));
      strictly_better += quadratic_form(G, g) < quadratic_form(G, r);
    };
    check(random.row(n, 40, 8), nearest_integer);
    check(random.row(n, 1L << 20, 3L << 18), nearest_gf16);
  }
  CHECK(strictly_better > 100);  // the inequality is not an equality in disguise
}

namespace {

namespace coq = hallmark::coq_examples;

Rational scaled(std::int64_t numerator, std::int64_t denominator, int exponent) {
  const Rational q = ratio(numerator, denominator);
  return exponent >= 0 ? Rational(q << static_cast<unsigned long>(exponent))
                       : Rational(q >> static_cast<unsigned long>(-exponent));
}

Rational value(const coq::Rationals<1>& r) { return scaled(r.numerator[0], r.denominator, r.exponent); }

Row<Rational> row(const coq::Rationals<3>& r) {
  Row<Rational> out;
  for (const auto n : r.numerator) out.push_back(scaled(n, r.denominator, r.exponent));
  return out;
}

Square<Rational> square(const coq::Rationals<9>& r) {
  Square<Rational> out(3);
  for (std::size_t k = 0; k < 9; ++k) out[k / 3].push_back(scaled(r.numerator[k], r.denominator, r.exponent));
  return out;
}

// One instance proved in Coq, run again: factor, compensated weights, codes and losses.
#define CHECK_INSTANCE(name, nearest)                                                                \
  do {                                                                                               \
    INFO(#name);                                                                                     \
    const Square<Rational> G = gram(square(coq::name::X)), H = hessian(G, value(coq::name::lambda)); \
    const auto factor = study::upper_factor(H);                                                      \
    const Row<Rational> w = row(coq::name::w);                                                       \
    const auto g = study::gptq(factor.U, w, nearest);                                                \
    CHECK(factor.U == square(coq::name::U));                                                         \
    CHECK(factor.d == row(coq::name::d));                                                            \
    CHECK(g.u == row(coq::name::u));                                                                 \
    CHECK(g.q == row(coq::name::gptq));                                                              \
    CHECK(quadratic_form(G, difference(w, g.q)) == value(coq::name::loss_gptq));                     \
  } while (false)

#define CHECK_RTN(name, nearest)                                                                       \
  do {                                                                                                 \
    INFO(#name);                                                                                       \
    const Row<Rational> w = row(coq::name::w), q = study::rtn(w, nearest).q;                           \
    CHECK(q == row(coq::name::rtn));                                                                   \
    CHECK(quadratic_form(gram(square(coq::name::X)), difference(w, q)) == value(coq::name::loss_rtn)); \
  } while (false)

#define CHECK_STATIC(name, nearest)                                                                  \
  do {                                                                                               \
    INFO(#name);                                                                                     \
    const Square<Rational> G = gram(square(coq::name::X)), H = hessian(G, value(coq::name::lambda)); \
    const Row<Rational> w = row(coq::name::w);                                                       \
    const auto s = study::static_inverse(H, w, nearest);                                             \
    CHECK(study::inverse(H) == square(coq::name::Hinv));                                             \
    CHECK(s.u == row(coq::name::u_static));                                                          \
    CHECK(s.q == row(coq::name::q_static));                                                          \
    CHECK(quadratic_form(G, difference(w, s.q)) == value(coq::name::loss_static));                   \
  } while (false)

}  // namespace

TEST_CASE("T5: with 3 columns GPTQ can lose, on integers and on GF16: every instance proved in Coq") {
  CHECK_INSTANCE(t5_integer, nearest_integer);
  CHECK_RTN(t5_integer, nearest_integer);
  CHECK_INSTANCE(t5_gf16, nearest_gf16);
  CHECK_RTN(t5_gf16, nearest_gf16);
  CHECK_INSTANCE(t5_gf16_large_step, nearest_gf16);
  CHECK_RTN(t5_gf16_large_step, nearest_gf16);
  CHECK_INSTANCE(t5_gf16_subnormal, nearest_gf16);
  CHECK_RTN(t5_gf16_subnormal, nearest_gf16);
  CHECK_INSTANCE(t5_gf16_half_ulp, nearest_gf16);
  CHECK_RTN(t5_gf16_half_ulp, nearest_gf16);
  CHECK(value(coq::t5_integer::loss_gptq) > value(coq::t5_integer::loss_rtn));
  CHECK(value(coq::t5_gf16::loss_gptq) > value(coq::t5_gf16::loss_rtn));
}

TEST_CASE("T3: in the plain loss, damped GPTQ can exceed everything that RTN reaches") {
  CHECK_INSTANCE(t3_plain, nearest_integer);
  CHECK(value(coq::t3_plain::loss_gptq) > value(coq::t3_plain::loss_rtn_most));
}

TEST_CASE("T10: the static inverse is GPTQ for 2 columns") {
  RandomRationals random(4);
  for (int instance = 0; instance < 200; ++instance) {
    const Square<Rational> H = hessian(gram(random.matrix(2, 2, 5)), ratio(1, 2));
    const Row<Rational> w = random.row(2, 60, 9);
    CHECK(study::static_inverse(H, w, nearest_integer).q ==
          study::gptq(study::upper_factor(H).U, w, nearest_integer).q);
  }
}

TEST_CASE("T10: at 3 columns the static inverse differs, exceeds RTN without bound and the certified worst case") {
  CHECK_INSTANCE(t10_small, nearest_integer);
  CHECK_RTN(t10_small, nearest_integer);
  CHECK_STATIC(t10_small, nearest_integer);
  CHECK_INSTANCE(t10_family_1, nearest_integer);
  CHECK_RTN(t10_family_1, nearest_integer);
  CHECK_STATIC(t10_family_1, nearest_integer);
  CHECK_INSTANCE(t10_family_8, nearest_integer);
  CHECK_RTN(t10_family_8, nearest_integer);
  CHECK_STATIC(t10_family_8, nearest_integer);
  CHECK_INSTANCE(t10_worst_case, nearest_integer);
  CHECK_STATIC(t10_worst_case, nearest_integer);
  CHECK_INSTANCE(t10_worst_case_gf16, nearest_gf16);
  CHECK_STATIC(t10_worst_case_gf16, nearest_gf16);
  CHECK(value(coq::t10_family_8::loss_static) > 255 * value(coq::t10_family_8::loss_rtn));
  const Square<Rational> G = gram(square(coq::t10_worst_case::X));
  CHECK(value(coq::t10_worst_case::loss_static) > (G[0][0] + G[1][1] + G[2][2]) / 4);
}

TEST_CASE("a small case by hand: H = [[1,0,-1],[0,1,-1],[-1,-1,3]], w = (-0.4, 0.4, 0)") {
  const Square<Rational> H{{1, 0, -1}, {0, 1, -1}, {-1, -1, 3}};
  CHECK(study::inverse(H) == Square<Rational>{{2, 1, 1}, {1, 2, 1}, {1, 1, 1}});
  const Row<Rational> w{ratio(-2, 5), ratio(2, 5), 0};
  const auto trace = study::textbook(H, w, nearest_integer);
  CHECK(trace.u == Row<Rational>{ratio(-2, 5), ratio(3, 5), ratio(1, 3)});
  CHECK(trace.q == Row<Rational>{0, 1, 0});
  CHECK(quadratic_form(H, difference(w, trace.q)) == ratio(13, 25));
  CHECK(quadratic_form(H, w) == ratio(8, 25));
}

}  // namespace theory_test
