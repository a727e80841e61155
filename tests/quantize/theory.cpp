// T1, T4, T5 and T10 on exact rationals: the identities hold without a tolerance, the refuted inequality fails as proved.
#include <doctest/doctest.h>

#include "rational.hpp"

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

struct Comparison {
  Row<Rational> gptq, rtn;
  Rational loss_gptq, loss_rtn;
};

template <class Nearest>
Comparison compare(const Square<Rational>& X, const Row<Rational>& w, Nearest nearest) {
  const Square<Rational> G = gram(X);
  const auto g = study::gptq(study::upper_factor(hessian(G, Rational(0))).U, w, nearest);
  const auto r = study::rtn(w, nearest);
  return {g.q, r.q, quadratic_form(G, difference(w, g.q)), quadratic_form(G, difference(w, r.q))};
}

}  // namespace

TEST_CASE("T5: with 3 columns GPTQ can lose, on integers and on GF16") {
  const Square<Rational> X{{1, 2, 0}, {0, 1, 1}, {0, 0, 4}};
  const auto factor = study::upper_factor(hessian(gram(X), Rational(0)));
  CHECK(factor.U == Square<Rational>{{1, 2, 0}, {0, 1, ratio(1, 4)}, {0, 0, 1}});
  CHECK(factor.d == Row<Rational>{2, 2, 32});

  const Comparison integer = compare(X, {ratio(1, 4), ratio(1, 4), ratio(-1, 4)}, nearest_integer);
  CHECK(integer.gptq == Row<Rational>{0, 1, 0});
  CHECK(integer.rtn == Row<Rational>{0, 0, 0});
  CHECK(integer.loss_gptq == ratio(51, 16));
  CHECK(integer.loss_rtn == ratio(19, 16));

  const Comparison golden = compare(X, {ratio(3073, 2048), ratio(3073, 2048), ratio(3071, 2048)}, nearest_gf16);
  CHECK(golden.gptq == Row<Rational>{ratio(3, 2), ratio(769, 512), ratio(3, 2)});
  CHECK(golden.rtn == Row<Rational>{ratio(3, 2), ratio(3, 2), ratio(3, 2)});
  CHECK(golden.loss_gptq == ratio(51, 1L << 22));
  CHECK(golden.loss_rtn == ratio(19, 1L << 22));

  const Comparison larger = compare({{1, 2, -1}, {0, 1, 2}, {0, 0, 4}}, {ratio(1, 8), ratio(3, 8), ratio(-1, 8)}, nearest_integer);
  CHECK(larger.loss_gptq > 8 * larger.loss_rtn);
}

TEST_CASE("T10: the static inverse is GPTQ for 2 columns") {
  RandomRationals random(4);
  for (int instance = 0; instance < 200; ++instance) {
    const Square<Rational> H = hessian(gram(random.matrix(2, 2, 5)), ratio(1, 2));
    const Row<Rational> w = random.row(2, 60, 9);
    CHECK(study::static_inverse(H, w, nearest_integer).q == study::gptq(study::upper_factor(H).U, w, nearest_integer).q);
  }
}

TEST_CASE("T10: at 3 columns the static inverse exceeds RTN without bound") {
  for (const long b : {1, 2, 5, 10}) {
    CAPTURE(b);
    const Square<Rational> X{{1, 1, -4 * b}, {0, 4 * b, 0}, {0, 0, 1}};
    const Row<Rational> w{0, ratio(3, 8), ratio(3, 8)};
    const Square<Rational> G = gram(X);
    const Row<Rational> q = study::static_inverse(hessian(G, Rational(0)), w, nearest_integer).q;
    const Comparison others = compare(X, w, nearest_integer);
    const Rational b2 = ratio(b * b), third = 3 * b2 - ratio(3, 8);
    CHECK(q[2] == 3 * b2);
    CHECK(quadratic_form(G, difference(w, q)) == ratio(9, 4) * b2 + third * third);
    CHECK(others.loss_rtn == ratio(9, 4) * b2 + ratio(9, 64));
    CHECK(others.loss_gptq == others.loss_rtn);
  }
}

TEST_CASE("T10: and exceeds the certified worst case s^2/4 tr G") {
  const Square<Rational> X{{1, 1, -4}, {0, 8, 0}, {0, 0, 4}};
  const Row<Rational> w{0, ratio(3, 8), ratio(3, 8)};
  const Square<Rational> G = gram(X);
  const Row<Rational> q = study::static_inverse(hessian(G, Rational(0)), w, nearest_integer).q;
  const Rational loss = quadratic_form(G, difference(w, q)), trace = G[0][0] + G[1][1] + G[2][2];
  CHECK(q == Row<Rational>{0, 0, 2});
  CHECK(loss == ratio(205, 4));
  CHECK(loss > trace / 4);
  CHECK(compare(X, w, nearest_integer).loss_gptq == ratio(45, 4));
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
