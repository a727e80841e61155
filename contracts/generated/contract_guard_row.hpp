// Made by: extract/contracts generate
// guard_row: theorem T6_guard_enclosure_matrix; inputs G[n, n], w[n], g[n], r[n], q[n], keep, upper, lower, L_g, L_r, L_q.
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract guard_row{"guard_row", "T6_guard_enclosure_matrix"};

template <class Ops>
typename Ops::Truth guard_row_pre(std::size_t n, const auto& G, const auto& w, const auto& g, const auto& r, const auto& q, const auto& keep, const auto& upper, const auto& lower, const auto& L_g, const auto& L_r, const auto& L_q) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::eq(Ops::value(L_g), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(g(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(g(j))))); })); })));
  truth = Ops::both(truth, Ops::eq(Ops::value(L_r), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(r(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(r(j))))); })); })));
  truth = Ops::both(truth, Ops::eq(Ops::value(L_q), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); })));
  truth = Ops::both(truth, Ops::le(Ops::value(L_g), Ops::value(upper)));
  truth = Ops::both(truth, Ops::le(Ops::value(lower), Ops::value(L_r)));
  truth = Ops::both(truth, Ops::implies(Ops::lt(Ops::rational(0, 1), Ops::value(keep)), Ops::both(for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(q(j)), Ops::value(g(j))); }), Ops::le(Ops::value(upper), Ops::value(lower)))));
  truth = Ops::both(truth, Ops::implies(Ops::le(Ops::value(keep), Ops::rational(0, 1)), for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(q(j)), Ops::value(r(j))); })));
  return truth;
}

template <class Ops>
typename Ops::Truth guard_row_post(std::size_t n, const auto& r, const auto& q, const auto& L_r, const auto& L_q) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::implies(Ops::lt(Ops::value(q(j)), Ops::value(r(j))), Ops::le(Ops::value(L_q), Ops::value(L_r))), Ops::implies(Ops::lt(Ops::value(r(j)), Ops::value(q(j))), Ops::le(Ops::value(L_q), Ops::value(L_r)))); }));
  return truth;
}

}  // namespace hallmark::generated
