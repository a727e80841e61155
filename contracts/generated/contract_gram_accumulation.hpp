// Made by: extract/contracts generate
// gram_accumulation: theorem T11_gram_binary32; inputs x[m], y[m], c[m], delta[m], G.
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract gram_accumulation{"gram_accumulation", "T11_gram_binary32"};

template <class Ops>
typename Ops::Truth gram_accumulation_pre(std::size_t m, const auto& x, const auto& y, const auto& c, const auto& delta, const auto& G) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(m, [&](std::size_t t) { return Ops::eq(Ops::value(c(t)), sum<Ops>(t, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(x(k)) * Ops::value(y(k))) + Ops::value(delta(k)))); })); }));
  truth = Ops::both(truth, for_all<Ops>(m, [&](std::size_t t) { return Ops::le(Ops::abs(Ops::value(delta(t))), (Ops::rational(1, 9007199254740992) * Ops::abs((Ops::value(c(t)) + (Ops::value(x(t)) * Ops::value(y(t))))))); }));
  truth = Ops::both(truth, Ops::eq(Ops::value(G), sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar(((Ops::value(x(t)) * Ops::value(y(t))) + Ops::value(delta(t)))); })));
  truth = Ops::both(truth, Ops::le((Ops::count(m) * Ops::rational(1, 9007199254740992)), Ops::rational(1, 1)));
  return truth;
}

template <class Ops>
typename Ops::Truth gram_accumulation_post(std::size_t m, const auto& x, const auto& y, const auto& G) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(Ops::abs((Ops::value(G) - sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::value(x(t)) * Ops::value(y(t)))); }))), (((Ops::count(m) * Ops::rational(1, 9007199254740992)) * (Ops::rational(1, 1) + (Ops::count(m) * Ops::rational(1, 9007199254740992)))) * sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::abs(Ops::value(x(t))) * Ops::abs(Ops::value(y(t))))); }))));
  return truth;
}

}  // namespace hallmark::generated
