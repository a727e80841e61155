// Made by: extract/contracts generate
// rtn_when_no_calibration: theorem rtn_when_no_calibration_sound; inputs X[n, m], H[n, n], U[n, n], d[n], w[n], q[n], u[n], r[n], lambda.
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract rtn_when_no_calibration{"rtn_when_no_calibration", "rtn_when_no_calibration_sound"};

template <class Ops>
typename Ops::Truth rtn_when_no_calibration_pre(std::size_t n, std::size_t m, const auto& X, const auto& H, const auto& U, const auto& d, const auto& w, const auto& q, const auto& u, const auto& r, const auto& lambda) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(H(i, j)), sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); })); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(H(j, i)), (Ops::rational(2, 1) * sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::value(X(j, t)) * Ops::value(X(i, t)))); }))); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(H(i, i)), ((Ops::rational(2, 1) * sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::value(X(i, t)) * Ops::value(X(i, t)))); })) + Ops::value(lambda))); }));
  truth = Ops::both(truth, Ops::lt(Ops::rational(0, 1), Ops::value(lambda)));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::implies(Ops::eq(Ops::value(u(j)), Ops::value(w(j))), Ops::eq(Ops::value(q(j)), Ops::value(r(j)))); }));
  return truth;
}

template <class Ops>
typename Ops::Truth rtn_when_no_calibration_post(std::size_t n, std::size_t m, const auto& q, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::implies(Ops::eq(Ops::count(m), Ops::rational(0, 1)), for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(q(j)), Ops::value(r(j))); })));
  return truth;
}

}  // namespace hallmark::generated
