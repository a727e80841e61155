// Made by: extract/contracts generate
// loss_enclosure: theorem guard_loss_enclosure; inputs G[n, n], H[n, n], U[n, n], d[n], c[n], e[n], t[n], a[n], g, N, rho, L.
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract loss_enclosure{"loss_enclosure", "guard_loss_enclosure"};

template <class Ops>
typename Ops::Truth loss_enclosure_pre(std::size_t n, const auto& G, const auto& H, const auto& U, const auto& d, const auto& c, const auto& e, const auto& t, const auto& a, const auto& g, const auto& N, const auto& rho, const auto& L) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, Ops::eq(Ops::value(L), (Ops::rational(2, 1) * sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar(((Ops::value(e(i)) * Ops::value(G(i, j))) * Ops::value(e(j)))); })); }))));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(H(i, j)), (Ops::rational(2, 1) * Ops::value(G(i, j)))); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(H(j, i)), (Ops::rational(2, 1) * Ops::value(G(j, i)))); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(H(i, i)), ((Ops::rational(2, 1) * Ops::value(G(i, i))) + Ops::value(c(i)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(H(i, j)) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); }))), (Ops::value(g) * (Ops::value(a(i)) * Ops::value(a(j))))); }); }));
  truth = Ops::both(truth, Ops::both(Ops::le(Ops::rational(0, 1), Ops::value(N)), Ops::le(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>(Ops::value(t(j)), 2u))); }), power<Ops>(Ops::value(N), 2u))));
  truth = Ops::both(truth, Ops::both(Ops::le(Ops::rational(0, 1), Ops::value(rho)), Ops::le(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>((Ops::value(t(j)) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar((Ops::value(e(k)) * Ops::value(U(k, j)))); })), 2u))); }), power<Ops>(Ops::value(rho), 2u))));
  return truth;
}

template <class Ops>
typename Ops::Truth loss_enclosure_post(std::size_t n, const auto& d, const auto& c, const auto& e, const auto& t, const auto& a, const auto& g, const auto& N, const auto& rho, const auto& L) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(Ops::abs((Ops::value(L) - (sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>(Ops::value(t(j)), 2u))); }) - sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(c(j)) * power<Ops>(Ops::value(e(j)), 2u))); })))), ((((Ops::rational(2, 1) * Ops::value(N)) * Ops::value(rho)) + power<Ops>(Ops::value(rho), 2u)) + (Ops::value(g) * power<Ops>(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar((Ops::abs(Ops::value(e(i))) * Ops::value(a(i)))); }), 2u)))));
  return truth;
}

}  // namespace hallmark::generated
