// Made by: extract/contracts generate
// two_columns: theorem T4_two_columns; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n], r[n], L_q, L_r.
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract two_columns{"two_columns", "T4_two_columns"};

template <class Ops>
typename Ops::Truth two_columns_pre(std::size_t n, const auto& H, const auto& U, const auto& d, const auto& w, const auto& q, const auto& u, const auto& r, const auto& L_q, const auto& L_r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(H(i, j)), sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); })); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  truth = Ops::both(truth, Ops::eq(Ops::value(L_q), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); })));
  truth = Ops::both(truth, Ops::eq(Ops::value(L_r), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(r(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(r(j))))); })); })));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::implies(Ops::eq(Ops::value(u(j)), Ops::value(w(j))), Ops::eq(Ops::value(q(j)), Ops::value(r(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(u(j)) - Ops::value(q(j)))), Ops::abs((Ops::value(u(j)) - Ops::value(r(j))))); }));
  truth = Ops::both(truth, Ops::le(Ops::count(n), Ops::rational(2, 1)));
  return truth;
}

template <class Ops>
typename Ops::Truth two_columns_post(const auto& L_q, const auto& L_r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(Ops::value(L_q), Ops::value(L_r)));
  return truth;
}

}  // namespace hallmark::generated
