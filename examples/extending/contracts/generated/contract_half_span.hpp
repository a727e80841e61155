// Made by: extract/contracts generate
// half_span: theorem half_span_sound; inputs x[n], q[n], l[n], r[n].
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract half_span{"half_span", "half_span_sound"};

template <class Ops>
typename Ops::Truth half_span_pre(std::size_t n, const auto& x, const auto& q, const auto& l, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::le(Ops::value(l(j)), Ops::value(q(j))), Ops::le(Ops::value(q(j)), Ops::value(r(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::implies(Ops::both(Ops::lt(Ops::value(l(j)), Ops::value(q(j))), Ops::lt(Ops::value(q(j)), Ops::value(r(j)))), Ops::both(Ops::le((Ops::value(l(j)) + Ops::value(q(j))), (Ops::rational(2, 1) * Ops::value(x(j)))), Ops::le((Ops::rational(2, 1) * Ops::value(x(j))), (Ops::value(q(j)) + Ops::value(r(j)))))); }));
  return truth;
}

template <class Ops>
typename Ops::Truth half_span_post(std::size_t n, const auto& x, const auto& q, const auto& l, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::both(Ops::le(Ops::value(l(j)), Ops::value(q(j))), Ops::le(Ops::value(q(j)), Ops::value(r(j)))), Ops::implies(Ops::both(Ops::lt(Ops::value(l(j)), Ops::value(q(j))), Ops::lt(Ops::value(q(j)), Ops::value(r(j)))), Ops::le((Ops::rational(2, 1) * Ops::abs((Ops::value(x(j)) - Ops::value(q(j))))), (Ops::value(r(j)) - Ops::value(l(j)))))); }));
  return truth;
}

}  // namespace hallmark::generated
