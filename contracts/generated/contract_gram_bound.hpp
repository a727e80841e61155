// Made by: extract/contracts generate
// gram_bound: theorem gram_bound_met; inputs G[n], h, D[n], x[m], Y[n, m].
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract gram_bound{"gram_bound", "gram_bound_met"};

template <class Ops>
typename Ops::Truth gram_bound_pre(std::size_t n, std::size_t m, const auto& G, const auto& h, const auto& D, const auto& x, const auto& Y) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le((Ops::count(m) * Ops::rational(1, 9007199254740992)), Ops::rational(1, 8)));
  truth = Ops::both(truth, Ops::le(Ops::abs((Ops::value(h) - sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::value(x(t)) * Ops::value(x(t)))); }))), (((Ops::count(m) * Ops::rational(1, 9007199254740992)) * (Ops::rational(1, 1) + (Ops::count(m) * Ops::rational(1, 9007199254740992)))) * sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::abs(Ops::value(x(t))) * Ops::abs(Ops::value(x(t))))); }))));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(D(j)) - sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::value(Y(j, t)) * Ops::value(Y(j, t)))); }))), (((Ops::count(m) * Ops::rational(1, 9007199254740992)) * (Ops::rational(1, 1) + (Ops::count(m) * Ops::rational(1, 9007199254740992)))) * sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::abs(Ops::value(Y(j, t))) * Ops::abs(Ops::value(Y(j, t))))); }))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(G(j)) - sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::value(x(t)) * Ops::value(Y(j, t)))); }))), (((Ops::count(m) * Ops::rational(1, 9007199254740992)) * (Ops::rational(1, 1) + (Ops::count(m) * Ops::rational(1, 9007199254740992)))) * sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::abs(Ops::value(x(t))) * Ops::abs(Ops::value(Y(j, t))))); }))); }));
  return truth;
}

template <class Ops>
typename Ops::Truth gram_bound_post(std::size_t n, std::size_t m, const auto& G, const auto& h, const auto& D) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(power<Ops>(Ops::value(G(j)), 2u), (power<Ops>((Ops::rational(1, 1) + (Ops::rational(3, 1) * (Ops::count(m) * Ops::rational(1, 9007199254740992)))), 2u) * (Ops::value(h) * Ops::value(D(j))))); }));
  return truth;
}

}  // namespace hallmark::generated
