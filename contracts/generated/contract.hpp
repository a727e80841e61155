// Made by: extract/contracts generate
// What the contracts are written in. Vectors are called as v(i), matrices as M(i, j). Ops names the types Scalar, with
// operators + - *, and Truth, and the functions rational(numerator, denominator), count(n), value(x), max, abs, le, lt,
// eq, yes(), both, implies. Sums run over increasing indices from zero. The functions of a contract take its sizes and
// the inputs that they read, in the order of the comment; a run evaluates the postcondition, and
// coq/Contract/SoundFloat.v says of which numbers it holds.
#pragma once

#include <cstddef>
#include <string_view>

namespace hallmark::generated {

/// What a report names: the contract and the theorem behind it.
struct Contract {
  std::string_view name, theorem;
};

template <class Ops>
typename Ops::Scalar sum(std::size_t n, const auto& term) {
  typename Ops::Scalar total = Ops::rational(0, 1);
  for (std::size_t k = 0; k < n; ++k) total = total + term(k);
  return total;
}

template <class Ops>
typename Ops::Scalar power(const typename Ops::Scalar& base, std::size_t n) {
  typename Ops::Scalar product = Ops::rational(1, 1);
  for (std::size_t k = 0; k < n; ++k) product = product * base;
  return product;
}

template <class Ops>
typename Ops::Truth for_all(std::size_t n, const auto& statement) {
  typename Ops::Truth truth = Ops::yes();
  for (std::size_t k = 0; k < n; ++k) truth = Ops::both(truth, statement(k));
  return truth;
}

}  // namespace hallmark::generated
