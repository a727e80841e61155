// Made by: extract/contracts generate
// guard_total: theorem T6_guard_matrix; inputs L_q[p], L_r[p], D[p].
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract guard_total{"guard_total", "T6_guard_matrix"};

template <class Ops>
typename Ops::Truth guard_total_pre(std::size_t p, const auto& L_q, const auto& L_r, const auto& D) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::eq(Ops::value(D(b)), (Ops::value(L_r(b)) - Ops::value(L_q(b)))); }));
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::le(Ops::rational(0, 1), Ops::value(D(b))); }));
  return truth;
}

template <class Ops>
typename Ops::Truth guard_total_post(std::size_t p, const auto& D) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(Ops::rational(0, 1), sum<Ops>(p, [&](std::size_t b) { return typename Ops::Scalar(Ops::value(D(b))); })));
  return truth;
}

}  // namespace hallmark::generated
