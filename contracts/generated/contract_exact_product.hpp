// Made by: extract/contracts generate
// exact_product: theorem exact_product_met; inputs s[n], g[n], p[n], b[n].
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract exact_product{"exact_product", "exact_product_met"};

template <class Ops>
typename Ops::Truth exact_product_pre(std::size_t n, const auto& s, const auto& g, const auto& p, const auto& b) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(b(j)), (Ops::value(s(j)) * Ops::value(g(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs(((Ops::value(s(j)) * Ops::value(g(j))) - Ops::value(p(j)))), Ops::abs(((Ops::value(s(j)) * Ops::value(g(j))) - Ops::value(b(j))))); }));
  return truth;
}

template <class Ops>
typename Ops::Truth exact_product_post(std::size_t n, const auto& s, const auto& g, const auto& p) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(p(j)), (Ops::value(s(j)) * Ops::value(g(j)))); }));
  return truth;
}

}  // namespace hallmark::generated
