// Made by: extract/contracts generate
// error_identity_residual: theorem T1_identity_residual; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n], L, R.
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract error_identity_residual{"error_identity_residual", "T1_identity_residual"};

template <class Ops>
typename Ops::Truth error_identity_residual_pre(std::size_t n, const auto& H, const auto& U, const auto& d, const auto& w, const auto& q, const auto& u, const auto& L, const auto& R) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  truth = Ops::both(truth, Ops::eq(Ops::value(L), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); })));
  truth = Ops::both(truth, Ops::eq(Ops::value(R), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * (Ops::value(H(i, j)) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); }))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); })));
  return truth;
}

template <class Ops>
typename Ops::Truth error_identity_residual_post(std::size_t n, const auto& d, const auto& q, const auto& u, const auto& L, const auto& R) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::eq(Ops::value(L), (sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>((Ops::value(u(j)) - Ops::value(q(j))), 2u))); }) + Ops::value(R))));
  return truth;
}

}  // namespace hallmark::generated
