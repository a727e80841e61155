// Made by: extract/contracts generate
// gf16_half_gap: theorem T7_gf16_error; inputs s[n], x[n], q[n], l[n], r[n].
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract gf16_half_gap{"gf16_half_gap", "T7_gf16_error"};

template <class Ops>
typename Ops::Truth gf16_half_gap_pre(std::size_t n, const auto& s, const auto& x, const auto& q, const auto& l, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::le(Ops::value(l(j)), Ops::value(x(j))), Ops::le(Ops::value(x(j)), Ops::value(r(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::rational(0, 1), (Ops::value(l(j)) * Ops::value(r(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le((Ops::value(r(j)) - Ops::value(l(j))), Ops::max((Ops::rational(1, 512) * Ops::abs(Ops::value(l(j)))), (Ops::rational(1, 549755813888) * Ops::value(s(j))))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le((Ops::value(r(j)) - Ops::value(l(j))), Ops::max((Ops::rational(1, 512) * Ops::abs(Ops::value(r(j)))), (Ops::rational(1, 549755813888) * Ops::value(s(j))))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::abs((Ops::value(x(j)) - Ops::value(l(j))))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::abs((Ops::value(x(j)) - Ops::value(r(j))))); }));
  return truth;
}

template <class Ops>
typename Ops::Truth gf16_half_gap_post(std::size_t n, const auto& s, const auto& x, const auto& q) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::max((Ops::rational(1, 1024) * Ops::abs(Ops::value(x(j)))), (Ops::rational(1, 1099511627776) * Ops::value(s(j))))); }));
  return truth;
}

}  // namespace hallmark::generated
