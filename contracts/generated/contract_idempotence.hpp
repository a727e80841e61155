// Made by: extract/contracts generate
// idempotence: theorem idempotence_met; inputs q[n], p[n], r[n].
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract idempotence{"idempotence", "idempotence_met"};

template <class Ops>
typename Ops::Truth idempotence_pre(std::size_t n, const auto& q, const auto& p, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(p(j)), Ops::value(q(j))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(q(j)) - Ops::value(r(j)))), Ops::abs((Ops::value(q(j)) - Ops::value(p(j))))); }));
  return truth;
}

template <class Ops>
typename Ops::Truth idempotence_post(std::size_t n, const auto& q, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(r(j)), Ops::value(q(j))); }));
  return truth;
}

}  // namespace hallmark::generated
