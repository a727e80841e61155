// Made by: extract/contracts generate
// transfer: theorem T8_transfer_certificate; inputs T[n, n], G[n, n], U[n, n], d[n], e[n], eps, B, M, L.
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract transfer{"transfer", "T8_transfer_certificate"};

template <class Ops>
typename Ops::Truth transfer_pre(std::size_t n, const auto& T, const auto& G, const auto& U, const auto& d, const auto& e, const auto& eps, const auto& B, const auto& M, const auto& L) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(T(i, j)), (((Ops::rational(1, 1) + Ops::value(eps)) * Ops::value(G(i, j))) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); }))); }); }));
  truth = Ops::both(truth, Ops::eq(Ops::value(M), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar(((Ops::value(e(i)) * Ops::value(G(i, j))) * Ops::value(e(j)))); })); })));
  truth = Ops::both(truth, Ops::eq(Ops::value(L), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar(((Ops::value(e(i)) * Ops::value(T(i, j))) * Ops::value(e(j)))); })); })));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, Ops::le(Ops::rational(0, 1), (Ops::rational(1, 1) + Ops::value(eps))));
  truth = Ops::both(truth, Ops::le(Ops::value(M), Ops::value(B)));
  return truth;
}

template <class Ops>
typename Ops::Truth transfer_post(const auto& eps, const auto& B, const auto& L) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(Ops::value(L), ((Ops::rational(1, 1) + Ops::value(eps)) * Ops::value(B))));
  return truth;
}

}  // namespace hallmark::generated
