// Made by: extract/contracts generate
// factor_residual: theorem T15_binary64; inputs x[n], y[n], d[n], h, p, s, a, b, f, g.
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract factor_residual{"factor_residual", "T15_binary64"};

template <class Ops>
typename Ops::Truth factor_residual_pre(std::size_t n, const auto& x, const auto& y, const auto& d, const auto& h, const auto& p, const auto& s, const auto& a, const auto& b, const auto& f, const auto& g) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(Ops::abs((Ops::value(h) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(x(k)) * Ops::value(d(k))) * Ops::value(y(k)))); }))), (Ops::value(f) * sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::abs(Ops::value(x(k))) * Ops::value(d(k))) * Ops::abs(Ops::value(y(k))))); }))));
  truth = Ops::both(truth, Ops::le(Ops::abs((Ops::value(p) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(x(k)) * Ops::value(d(k))) * Ops::value(x(k)))); }))), (Ops::value(f) * sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::abs(Ops::value(x(k))) * Ops::value(d(k))) * Ops::abs(Ops::value(x(k))))); }))));
  truth = Ops::both(truth, Ops::le(Ops::abs((Ops::value(s) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(y(k)) * Ops::value(d(k))) * Ops::value(y(k)))); }))), (Ops::value(f) * sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::abs(Ops::value(y(k))) * Ops::value(d(k))) * Ops::abs(Ops::value(y(k))))); }))));
  truth = Ops::both(truth, Ops::both(Ops::le(Ops::rational(0, 1), Ops::value(a)), Ops::le(Ops::value(p), power<Ops>(Ops::value(a), 2u))));
  truth = Ops::both(truth, Ops::both(Ops::le(Ops::rational(0, 1), Ops::value(b)), Ops::le(Ops::value(s), power<Ops>(Ops::value(b), 2u))));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, Ops::both(Ops::le(Ops::rational(0, 1), Ops::value(f)), Ops::both(Ops::lt(Ops::value(f), Ops::rational(1, 1)), Ops::le(Ops::value(f), (Ops::value(g) * (Ops::rational(1, 1) - Ops::value(f)))))));
  return truth;
}

template <class Ops>
typename Ops::Truth factor_residual_post(std::size_t n, const auto& x, const auto& y, const auto& d, const auto& h, const auto& a, const auto& b, const auto& g) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(Ops::abs((Ops::value(h) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(x(k)) * Ops::value(d(k))) * Ops::value(y(k)))); }))), (Ops::value(g) * (Ops::value(a) * Ops::value(b)))));
  return truth;
}

}  // namespace hallmark::generated
