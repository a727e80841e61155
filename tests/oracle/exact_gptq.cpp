// GPTQ in rationals against what Coq proves and prints: the counterexamples are replayed, both sides evaluated exactly.
#include "oracle/exact_gptq.hpp"

#include <doctest/doctest.h>

#include <random>

#include "../generated/coq_examples.hpp"
#include "format/grid.hpp"

namespace exact_gptq_test {

using hallmark::Grid;
using namespace hallmark::oracle;
namespace coq = hallmark::coq_examples;

namespace {

template <std::size_t N>
Rationals rationals(const coq::Rationals<N>& r) {
  Rationals values;
  for (const auto numerator : r.numerator) {
    mpq_class value(numerator, r.denominator);
    value.canonicalize();
    values.push_back(r.exponent >= 0 ? mpq_class(value << static_cast<unsigned long>(r.exponent))
                                     : mpq_class(value >> static_cast<unsigned long>(-r.exponent)));
  }
  return values;
}

// X X^T.
Rationals gram(const Rationals& X, std::size_t n) {
  Rationals G(n * n, mpq_class(0));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t t = 0; t < X.size() / n; ++t)
        G[i * n + j] += X[i * (X.size() / n) + t] * X[j * (X.size() / n) + t];
  return G;
}

// Replays an instance that Coq proved: the same factor, u, codes and losses, and T1 on it.
#define REPLAY(name, grid)                                                                                 \
  do {                                                                                                     \
    INFO(#name);                                                                                           \
    const Rationals G = gram(rationals(coq::name::X), 3), w = rationals(coq::name::w), s(3, mpq_class(1)); \
    const mpq_class lambda = rationals(coq::name::lambda)[0];                                              \
    const Rationals H = exact_hessian(G, lambda, 3);                                                       \
    const auto factor = exact_factor(H, 3);                                                                \
    REQUIRE(factor);                                                                                       \
    CHECK(factor->U == rationals(coq::name::U));                                                           \
    CHECK(factor->d == rationals(coq::name::d));                                                           \
    const auto both = compare_methods(G, lambda, grid, w, s);                                              \
    REQUIRE(both);                                                                                         \
    CHECK(both->gptq.u == rationals(coq::name::u));                                                        \
    CHECK(both->gptq.q == rationals(coq::name::gptq));                                                     \
    CHECK(both->loss_gptq == rationals(coq::name::loss_gptq)[0]);                                          \
    CHECK(exact_identity(*factor, w, both->gptq.q) == exact_loss_of(H, w, both->gptq.q));                  \
    CHECK(exact_identity(*factor, w, both->rtn.q) == exact_loss_of(H, w, both->rtn.q));                    \
  } while (false)

#define REPLAY_LOSS_OF_RTN(name, grid)                                                                         \
  do {                                                                                                         \
    const auto both = compare_methods(gram(rationals(coq::name::X), 3), rationals(coq::name::lambda)[0], grid, \
                                      rationals(coq::name::w), Rationals(3, mpq_class(1)));                    \
    CHECK(both->rtn.q == rationals(coq::name::rtn));                                                           \
    CHECK(both->loss_rtn == rationals(coq::name::loss_rtn)[0]);                                                \
    CHECK(both->loss_gptq > both->loss_rtn);                                                                   \
    CHECK(both->guarded() == both->loss_rtn);                                                                  \
  } while (false)

}  // namespace

TEST_CASE("T5: the 3-column models, 51/16 > 19/16 and its kin") {
  const ExactGrid integers = ExactGrid::integer(-32767, 32767), gf16 = ExactGrid::of(Grid::parse("gf16")->spec());
  REPLAY(t5_integer, integers);
  REPLAY_LOSS_OF_RTN(t5_integer, integers);
  REPLAY(t5_gf16, gf16);
  REPLAY_LOSS_OF_RTN(t5_gf16, gf16);
  REPLAY(t5_gf16_large_step, gf16);
  REPLAY_LOSS_OF_RTN(t5_gf16_large_step, gf16);
  REPLAY(t5_gf16_subnormal, gf16);
  REPLAY_LOSS_OF_RTN(t5_gf16_subnormal, gf16);
  REPLAY(t5_gf16_half_ulp, gf16);
  REPLAY_LOSS_OF_RTN(t5_gf16_half_ulp, gf16);
}

TEST_CASE("T3 and T10: further instances") {
  const ExactGrid integers = ExactGrid::integer(-32767, 32767), gf16 = ExactGrid::of(Grid::parse("gf16")->spec());
  REPLAY(t3_plain, integers);
  REPLAY(t10_small, integers);
  REPLAY(t10_family_1, integers);
  REPLAY(t10_family_8, integers);
  REPLAY(t10_worst_case, integers);
  REPLAY(t10_worst_case_gf16, gf16);
}

TEST_CASE("T1, T4 and T6 on random instances, scales and grids") {
  std::mt19937_64 generator(11);
  const auto between = [&](long bound) {
    return static_cast<long>(generator() % static_cast<unsigned long>(2 * bound + 1)) - bound;
  };
  const ExactGrid grids[] = {ExactGrid::integer(-7, 7), ExactGrid::of(Grid::parse("gf16")->spec()),
                             ExactGrid::table({-2.5F, -1, 0.25F, 3})};
  std::size_t guarded = 0;
  for (int instance = 0; instance < 300; ++instance) {
    const std::size_t n = 1 + static_cast<std::size_t>(instance) % 5;
    Rationals X, w, s;
    for (std::size_t k = 0; k < n * (n + 2); ++k) X.emplace_back(between(4));
    for (std::size_t j = 0; j < n; ++j) {
      w.emplace_back(between(60), 9);
      w.back().canonicalize();
      s.emplace_back(1 + between(2) + 2, 2);
      s.back().canonicalize();
    }
    const Rationals G = gram(X, n);
    const mpq_class lambda(1 + instance % 7, 8);
    const auto both = compare_methods(G, lambda, grids[instance % 3], w, s);
    REQUIRE(both);
    const auto factor = exact_factor(exact_hessian(G, lambda, n), n);
    CHECK(exact_identity(*factor, w, both->gptq.q) == exact_loss_of(exact_hessian(G, lambda, n), w, both->gptq.q));
    CHECK(exact_identity(*factor, w, both->rtn.q) == exact_loss_of(exact_hessian(G, lambda, n), w, both->rtn.q));
    CHECK(both->guarded() <= both->loss_rtn);
    CHECK(both->guarded() <= both->loss_gptq);
    if (n <= 2 && s.front() == s.back()) CHECK(both->loss_gptq <= both->loss_rtn);
    guarded += both->loss_gptq > both->loss_rtn;
  }
  CHECK(guarded > 0);
}

TEST_CASE("a matrix that is not positive definite has no factor") {
  CHECK(!exact_factor({1, 1, 1, 1}, 2));
  CHECK(!exact_factor({1, 2, 2, 1}, 2));
  CHECK(!compare_methods({1, 1, 1, 1}, 0, ExactGrid::integer(-7, 7), {1, 1}, {1, 1}));
}

}  // namespace exact_gptq_test
