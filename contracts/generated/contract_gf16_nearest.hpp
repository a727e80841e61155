// Made by: extract/contracts generate
// gf16_nearest: theorem T7_gf16_nearest; inputs x[n], q[n], l[n], r[n].
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract gf16_nearest{"gf16_nearest", "T7_gf16_nearest"};

template <class Ops>
typename Ops::Truth gf16_nearest_pre(std::size_t n, const auto& x, const auto& q, const auto& l, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::le(Ops::value(l(j)), Ops::value(q(j))), Ops::le(Ops::value(q(j)), Ops::value(r(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le((Ops::value(l(j)) + Ops::value(q(j))), (Ops::rational(2, 1) * Ops::value(x(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le((Ops::rational(2, 1) * Ops::value(x(j))), (Ops::value(q(j)) + Ops::value(r(j)))); }));
  return truth;
}

template <class Ops>
typename Ops::Truth gf16_nearest_post(std::size_t n, const auto& x, const auto& q, const auto& l, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::abs((Ops::value(x(j)) - Ops::value(l(j))))), Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::abs((Ops::value(x(j)) - Ops::value(r(j)))))); }));
  return truth;
}

}  // namespace hallmark::generated
