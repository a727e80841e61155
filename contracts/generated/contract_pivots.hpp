// Made by: extract/contracts generate
// pivots: theorem pivots_sound; inputs U[n, n], d[n], h[n], g.
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract pivots{"pivots", "pivots_sound"};

template <class Ops>
typename Ops::Truth pivots_pre(std::size_t n, const auto& U, const auto& d, const auto& h, const auto& g) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::le(Ops::abs((Ops::value(h(i)) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(i, k)))); }))), (Ops::value(g) * Ops::value(h(i)))); }));
  return truth;
}

template <class Ops>
typename Ops::Truth pivots_post(std::size_t n, const auto& d, const auto& h, const auto& g) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::le(Ops::rational(0, 1), Ops::value(d(j))), Ops::le(Ops::value(d(j)), ((Ops::rational(1, 1) + Ops::value(g)) * Ops::value(h(j))))); }));
  return truth;
}

}  // namespace hallmark::generated
