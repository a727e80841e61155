// Made by: extract/contracts generate
// The contracts of coq/Contract/Library.v. Vectors are called as v(i), matrices as M(i, j). Ops names the types
// Scalar, with operators + - *, and Truth, and the functions rational(numerator, denominator), count(n), value(x),
// max, abs, le, lt, eq, yes(), both, implies. Sums run over increasing indices from zero. The functions of a contract
// take its sizes and the inputs that they read, in the order of the comment; a run evaluates the postcondition, and
// coq/Contract/SoundFloat.v says of which numbers it holds.
#pragma once

#include <cstddef>
#include <string_view>

namespace hallmark::generated {

/// What a report names: the contract and the theorem behind it.
struct Contract {
  std::string_view name, theorem;
};

template <class Ops>
typename Ops::Scalar sum(std::size_t n, const auto& term) {
  typename Ops::Scalar total = Ops::rational(0, 1);
  for (std::size_t k = 0; k < n; ++k) total = total + term(k);
  return total;
}

template <class Ops>
typename Ops::Scalar power(const typename Ops::Scalar& base, std::size_t n) {
  typename Ops::Scalar product = Ops::rational(1, 1);
  for (std::size_t k = 0; k < n; ++k) product = product * base;
  return product;
}

template <class Ops>
typename Ops::Truth for_all(std::size_t n, const auto& statement) {
  typename Ops::Truth truth = Ops::yes();
  for (std::size_t k = 0; k < n; ++k) truth = Ops::both(truth, statement(k));
  return truth;
}

inline constexpr Contract gf16_half_gap{"gf16_half_gap", "T7_gf16_error"};
/// gf16_half_gap: theorem T7_gf16_error; inputs s[n], x[n], q[n], l[n], r[n].
template <class Ops>
typename Ops::Truth gf16_half_gap_pre(std::size_t n, const auto& s, const auto& x, const auto& q, const auto& l, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::le(Ops::value(l(j)), Ops::value(x(j))), Ops::le(Ops::value(x(j)), Ops::value(r(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::rational(0, 1), (Ops::value(l(j)) * Ops::value(r(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le((Ops::value(r(j)) - Ops::value(l(j))), Ops::max((Ops::rational(1, 512) * Ops::abs(Ops::value(l(j)))), (Ops::rational(1, 549755813888) * Ops::value(s(j))))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le((Ops::value(r(j)) - Ops::value(l(j))), Ops::max((Ops::rational(1, 512) * Ops::abs(Ops::value(r(j)))), (Ops::rational(1, 549755813888) * Ops::value(s(j))))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::abs((Ops::value(x(j)) - Ops::value(l(j))))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::abs((Ops::value(x(j)) - Ops::value(r(j))))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth gf16_half_gap_post(std::size_t n, const auto& s, const auto& x, const auto& q) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::max((Ops::rational(1, 1024) * Ops::abs(Ops::value(x(j)))), (Ops::rational(1, 1099511627776) * Ops::value(s(j))))); }));
  return truth;
}

inline constexpr Contract gf16_nearest{"gf16_nearest", "T7_gf16_nearest"};
/// gf16_nearest: theorem T7_gf16_nearest; inputs x[n], q[n], l[n], r[n].
template <class Ops>
typename Ops::Truth gf16_nearest_pre(std::size_t n, const auto& x, const auto& q, const auto& l, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::le(Ops::value(l(j)), Ops::value(q(j))), Ops::le(Ops::value(q(j)), Ops::value(r(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le((Ops::value(l(j)) + Ops::value(q(j))), (Ops::rational(2, 1) * Ops::value(x(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le((Ops::rational(2, 1) * Ops::value(x(j))), (Ops::value(q(j)) + Ops::value(r(j)))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth gf16_nearest_post(std::size_t n, const auto& x, const auto& q, const auto& l, const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::abs((Ops::value(x(j)) - Ops::value(l(j))))), Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::abs((Ops::value(x(j)) - Ops::value(r(j)))))); }));
  return truth;
}

inline constexpr Contract idempotence{"idempotence", "idempotence_met"};
/// idempotence: theorem idempotence_met; inputs q[n], p[n], r[n].
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

inline constexpr Contract exact_product{"exact_product", "exact_product_met"};
/// exact_product: theorem exact_product_met; inputs s[n], g[n], p[n], b[n].
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

inline constexpr Contract gram_accumulation{"gram_accumulation", "T11_gram_binary32"};
/// gram_accumulation: theorem T11_gram_binary32; inputs x[m], y[m], c[m], delta[m], G.
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

inline constexpr Contract gram_bound{"gram_bound", "gram_bound_met"};
/// gram_bound: theorem gram_bound_met; inputs G[n], h, D[n], x[m], Y[n, m], f.
template <class Ops>
typename Ops::Truth gram_bound_pre(std::size_t n, std::size_t m, const auto& G, const auto& h, const auto& D, const auto& x, const auto& Y, const auto& f) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::both(Ops::le(Ops::rational(0, 1), Ops::value(f)), Ops::le((Ops::rational(2, 1) * Ops::value(f)), (Ops::rational(1, 1099511627776) * (Ops::rational(1, 1) - Ops::value(f))))));
  truth = Ops::both(truth, Ops::le(Ops::abs((Ops::value(h) - sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::value(x(t)) * Ops::value(x(t)))); }))), (Ops::value(f) * sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::abs(Ops::value(x(t))) * Ops::abs(Ops::value(x(t))))); }))));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(D(j)) - sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::value(Y(j, t)) * Ops::value(Y(j, t)))); }))), (Ops::value(f) * sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::abs(Ops::value(Y(j, t))) * Ops::abs(Ops::value(Y(j, t))))); }))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(G(j)) - sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::value(x(t)) * Ops::value(Y(j, t)))); }))), (Ops::value(f) * sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::abs(Ops::value(x(t))) * Ops::abs(Ops::value(Y(j, t))))); }))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth gram_bound_post(std::size_t n, const auto& G, const auto& h, const auto& D) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(power<Ops>(Ops::value(G(j)), 2u), (power<Ops>((Ops::rational(1, 1) + Ops::rational(1, 1099511627776)), 2u) * (Ops::value(h) * Ops::value(D(j))))); }));
  return truth;
}

inline constexpr Contract factor_residual{"factor_residual", "T15_binary64"};
/// factor_residual: theorem T15_binary64; inputs x[n], y[n], d[n], h, p, s, a, b, f, g.
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

inline constexpr Contract pivots{"pivots", "pivots_sound"};
/// pivots: theorem pivots_sound; inputs U[n, n], d[n], h[n], g.
template <class Ops>
typename Ops::Truth pivots_pre(std::size_t n, const auto& U, const auto& d, const auto& h, const auto& g) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::le(Ops::abs((Ops::value(h(i)) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(i, k)))); }))), (Ops::value(g) * Ops::value(h(i)))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth pivots_post(std::size_t n, const auto& d, const auto& h, const auto& g) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::le(Ops::rational(0, 1), Ops::value(d(j))), Ops::le(Ops::value(d(j)), ((Ops::rational(1, 1) + Ops::value(g)) * Ops::value(h(j))))); }));
  return truth;
}

inline constexpr Contract error_identity{"error_identity", "T1_identity"};
/// error_identity: theorem T1_identity; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n], L.
template <class Ops>
typename Ops::Truth error_identity_pre(std::size_t n, const auto& H, const auto& U, const auto& d, const auto& w, const auto& q, const auto& u, const auto& L) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(H(i, j)), sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); })); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  truth = Ops::both(truth, Ops::eq(Ops::value(L), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); })));
  return truth;
}
template <class Ops>
typename Ops::Truth error_identity_post(std::size_t n, const auto& d, const auto& q, const auto& u, const auto& L) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::eq(Ops::value(L), sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>((Ops::value(u(j)) - Ops::value(q(j))), 2u))); })));
  return truth;
}

inline constexpr Contract error_identity_residual{"error_identity_residual", "T1_identity_residual"};
/// error_identity_residual: theorem T1_identity_residual; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n], L, R.
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

inline constexpr Contract loss_enclosure{"loss_enclosure", "guard_loss_enclosure"};
/// loss_enclosure: theorem guard_loss_enclosure; inputs G[n, n], H[n, n], U[n, n], d[n], c[n], e[n], t[n], a[n], g, N, rho, L.
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

inline constexpr Contract gptq_bound{"gptq_bound", "T2_bound"};
/// gptq_bound: theorem T2_bound; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n], r[n], L.
template <class Ops>
typename Ops::Truth gptq_bound_pre(std::size_t n, const auto& H, const auto& U, const auto& d, const auto& w, const auto& q, const auto& u, const auto& r, const auto& L) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(H(i, j)), sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); })); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  truth = Ops::both(truth, Ops::eq(Ops::value(L), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); })));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(u(j)) - Ops::value(q(j)))), Ops::value(r(j))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth gptq_bound_post(std::size_t n, const auto& d, const auto& r, const auto& L) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(Ops::value(L), sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>(Ops::value(r(j)), 2u))); })));
  return truth;
}

inline constexpr Contract gptq_bound_emitted{"gptq_bound_emitted", "emitted_codes_loss"};
/// gptq_bound_emitted: theorem emitted_codes_loss; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n], v[n], h[n], delta[n], a[n], g, L.
template <class Ops>
typename Ops::Truth gptq_bound_emitted_pre(std::size_t n, const auto& H, const auto& U, const auto& d, const auto& w, const auto& q, const auto& u, const auto& v, const auto& h, const auto& delta, const auto& a, const auto& g, const auto& L) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  truth = Ops::both(truth, Ops::eq(Ops::value(L), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); })));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(H(i, j)) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); }))), (Ops::value(g) * (Ops::value(a(i)) * Ops::value(a(j))))); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(v(j)) - Ops::value(q(j)))), Ops::value(h(j))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(v(j)) - Ops::value(u(j)))), Ops::value(delta(j))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth gptq_bound_emitted_post(std::size_t n, const auto& d, const auto& w, const auto& q, const auto& h, const auto& delta, const auto& a, const auto& g, const auto& L) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(Ops::value(L), (sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>((Ops::value(h(j)) + Ops::value(delta(j))), 2u))); }) + (Ops::value(g) * power<Ops>(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar((Ops::abs((Ops::value(w(i)) - Ops::value(q(i)))) * Ops::value(a(i)))); }), 2u)))));
  return truth;
}

inline constexpr Contract guard_row{"guard_row", "T6_guard_enclosure_matrix"};
/// guard_row: theorem T6_guard_enclosure_matrix; inputs G[n, n], w[n], g[n], r[n], q[n], keep, upper, lower, L_g, L_r, L_q.
template <class Ops>
typename Ops::Truth guard_row_pre(std::size_t n, const auto& G, const auto& w, const auto& g, const auto& r, const auto& q, const auto& keep, const auto& upper, const auto& lower, const auto& L_g, const auto& L_r, const auto& L_q) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::eq(Ops::value(L_g), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(g(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(g(j))))); })); })));
  truth = Ops::both(truth, Ops::eq(Ops::value(L_r), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(r(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(r(j))))); })); })));
  truth = Ops::both(truth, Ops::eq(Ops::value(L_q), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); })));
  truth = Ops::both(truth, Ops::le(Ops::value(L_g), Ops::value(upper)));
  truth = Ops::both(truth, Ops::le(Ops::value(lower), Ops::value(L_r)));
  truth = Ops::both(truth, Ops::implies(Ops::lt(Ops::rational(0, 1), Ops::value(keep)), Ops::both(for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(q(j)), Ops::value(g(j))); }), Ops::le(Ops::value(upper), Ops::value(lower)))));
  truth = Ops::both(truth, Ops::implies(Ops::le(Ops::value(keep), Ops::rational(0, 1)), for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(q(j)), Ops::value(r(j))); })));
  return truth;
}
template <class Ops>
typename Ops::Truth guard_row_post(std::size_t n, const auto& r, const auto& q, const auto& L_r, const auto& L_q) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::both(Ops::implies(Ops::lt(Ops::value(q(j)), Ops::value(r(j))), Ops::le(Ops::value(L_q), Ops::value(L_r))), Ops::implies(Ops::lt(Ops::value(r(j)), Ops::value(q(j))), Ops::le(Ops::value(L_q), Ops::value(L_r)))); }));
  return truth;
}

inline constexpr Contract guard_total{"guard_total", "T6_guard_matrix"};
/// guard_total: theorem T6_guard_matrix; inputs L_q[p], L_r[p], D[p].
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

inline constexpr Contract two_columns{"two_columns", "T4_two_columns"};
/// two_columns: theorem T4_two_columns; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n], r[n], L_q, L_r.
template <class Ops>
typename Ops::Truth two_columns_pre(std::size_t n, const auto& H, const auto& U, const auto& d, const auto& w, const auto& q, const auto& u, const auto& r, const auto& L_q, const auto& L_r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(H(i, j)), sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); })); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  truth = Ops::both(truth, Ops::eq(Ops::value(L_q), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); })));
  truth = Ops::both(truth, Ops::eq(Ops::value(L_r), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(r(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(r(j))))); })); })));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::implies(Ops::eq(Ops::value(u(j)), Ops::value(w(j))), Ops::eq(Ops::value(q(j)), Ops::value(r(j)))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(u(j)) - Ops::value(q(j)))), Ops::abs((Ops::value(u(j)) - Ops::value(r(j))))); }));
  truth = Ops::both(truth, Ops::le(Ops::count(n), Ops::rational(2, 1)));
  return truth;
}
template <class Ops>
typename Ops::Truth two_columns_post(const auto& L_q, const auto& L_r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(Ops::value(L_q), Ops::value(L_r)));
  return truth;
}

inline constexpr Contract rtn_when_no_calibration{"rtn_when_no_calibration", "rtn_when_no_calibration_sound"};
/// rtn_when_no_calibration: theorem rtn_when_no_calibration_sound; inputs X[n, m], H[n, n], U[n, n], d[n], w[n], q[n], u[n], r[n], lambda.
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

inline constexpr Contract transfer{"transfer", "T8_transfer_certificate"};
/// transfer: theorem T8_transfer_certificate; inputs T[n, n], G[n, n], U[n, n], d[n], e[n], eps, B, M, L.
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
