// The printed contracts on the environments of coq/Contract/Cases.v, in exact rationals: they answer as the evaluator
// that is proved in Coq. The formula of an environment is written here a second time.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <boost/multiprecision/cpp_int.hpp>
#include <doctest/doctest.h>

#include "contracts/generated/contract_cases.hpp"
#include "contracts/generated/contracts.hpp"

using namespace hallmark::generated;
using Rational = boost::multiprecision::number<boost::multiprecision::cpp_rational_backend, boost::multiprecision::et_off>;

namespace {

/// An input of the environment `seed` at its place in the contract: scalar, vector and matrix alike.
struct Input {
  std::int64_t seed, place;
  Rational operator()(std::size_t i = 0, std::size_t j = 0) const {
    const std::int64_t h = seed * 7919 + place * 104729 + static_cast<std::int64_t>(i) * 1299709 +
                           static_cast<std::int64_t>(j) * 15485863 + 12345;
    const std::int64_t x = h * h % 1000003;
    if (seed % 2 == 0) return x / 7 % 2;
    return Rational(x % 5 - 2, x / 5 % 2 == 0 ? 1 : 2);
  }
};

struct Ops {
  using Scalar = Rational;
  using Truth = bool;
  static Rational rational(std::int64_t numerator, std::int64_t denominator) { return {numerator, denominator}; }
  static Rational count(std::size_t n) { return n; }
  static Rational value(const Rational& x) { return x; }
  static Rational value(const Input& x) { return x(); }
  static Rational max(const Rational& a, const Rational& b) { return a < b ? b : a; }
  static Rational abs(const Rational& a) { return a < 0 ? Rational(-a) : a; }
  static bool le(const Rational& a, const Rational& b) { return a <= b; }
  static bool lt(const Rational& a, const Rational& b) { return a < b; }
  static bool eq(const Rational& a, const Rational& b) { return a == b; }
  static bool yes() { return true; }
  static bool both(bool p, bool q) { return p && q; }
  static bool implies(bool p, bool q) { return !p || q; }
};

/// Calls a contract with `sizes` sizes and one input for each place.
template <std::size_t Sizes, std::size_t... Place>
bool call(std::int64_t seed, const auto& predicate, std::index_sequence<Place...>) {
  const auto first = static_cast<std::size_t>(1 + seed / 2 % 3), second = static_cast<std::size_t>(1 + seed / 6 % 3);
  if constexpr (Sizes == 1) return predicate(first, Input{seed, Place}...);
  else return predicate(first, second, Input{seed, Place}...);
}

template <std::size_t Sizes, std::size_t Inputs>
void agrees(std::string_view answers, const auto& pre, const auto& post) {
  REQUIRE(answers.size() == 120);
  for (std::size_t seed = 0; seed < answers.size(); ++seed) {
    const auto s = static_cast<std::int64_t>(seed);
    const bool supposed = call<Sizes>(s, pre, std::make_index_sequence<Inputs>{});
    const bool promised = call<Sizes>(s, post, std::make_index_sequence<Inputs>{});
    CHECK((supposed ? 1 : 0) + (promised ? 2 : 0) == answers[seed] - '0');
  }
}

}  // namespace

#define AGREES(contract, sizes, inputs)                                                    \
  TEST_CASE(#contract) {                                                                   \
    agrees<sizes, inputs>(                                                                 \
        answers::contract, [](auto... in) { return contract##_pre<Ops>(in...); },          \
        [](auto... in) { return contract##_post<Ops>(in...); });                           \
  }

AGREES(error_identity, 1, 6)
AGREES(error_identity_residual, 1, 6)
AGREES(gptq_bound, 1, 7)
AGREES(gptq_bound_perturbed, 1, 11)
AGREES(guard_row, 1, 5)
AGREES(guard_total, 2, 4)
AGREES(pivots, 1, 3)
AGREES(transfer, 1, 7)
AGREES(gf16_half_gap, 1, 3)
AGREES(gram_accumulation, 2, 2)
AGREES(factor_residual, 1, 3)
