// Made by: extract/contracts generate
// The contracts of coq/Contract/Library.v. Vectors are called as v(i), matrices as M(i, j). Ops names the types
// Scalar, with operators + - *, and Truth, and the functions rational(numerator, denominator), count(n), value(x),
// max, abs, le, lt, eq, yes(), both, implies. Sums run over increasing indices from zero.
#pragma once

#include <cstddef>

namespace hallmark::generated {

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

/// error_identity: theorem T1_identity; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n].
template <class Ops>
typename Ops::Truth error_identity_pre([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d, [[maybe_unused]] const auto& w, [[maybe_unused]] const auto& q, [[maybe_unused]] const auto& u) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(H(i, j)), sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); })); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth error_identity_post([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d, [[maybe_unused]] const auto& w, [[maybe_unused]] const auto& q, [[maybe_unused]] const auto& u) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::eq(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); }), sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>((Ops::value(u(j)) - Ops::value(q(j))), 2u))); })));
  return truth;
}

/// error_identity_residual: theorem T1_identity_residual; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n].
template <class Ops>
typename Ops::Truth error_identity_residual_pre([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d, [[maybe_unused]] const auto& w, [[maybe_unused]] const auto& q, [[maybe_unused]] const auto& u) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth error_identity_residual_post([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d, [[maybe_unused]] const auto& w, [[maybe_unused]] const auto& q, [[maybe_unused]] const auto& u) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::eq(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); }), (sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>((Ops::value(u(j)) - Ops::value(q(j))), 2u))); }) + sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * (Ops::value(H(i, j)) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); }))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); }))));
  return truth;
}

/// gptq_bound: theorem T2_bound; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n], r[n].
template <class Ops>
typename Ops::Truth gptq_bound_pre([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d, [[maybe_unused]] const auto& w, [[maybe_unused]] const auto& q, [[maybe_unused]] const auto& u, [[maybe_unused]] const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(H(i, j)), sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); })); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(u(j)) - Ops::value(q(j)))), Ops::value(r(j))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth gptq_bound_post([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d, [[maybe_unused]] const auto& w, [[maybe_unused]] const auto& q, [[maybe_unused]] const auto& u, [[maybe_unused]] const auto& r) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); }), sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>(Ops::value(r(j)), 2u))); })));
  return truth;
}

/// gptq_bound_perturbed: theorem T9_perturbation_entrywise; inputs H[n, n], U[n, n], d[n], w[n], q[n], u[n], v[n], h[n], delta[n], a[n], g.
template <class Ops>
typename Ops::Truth gptq_bound_perturbed_pre([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d, [[maybe_unused]] const auto& w, [[maybe_unused]] const auto& q, [[maybe_unused]] const auto& u, [[maybe_unused]] const auto& v, [[maybe_unused]] const auto& h, [[maybe_unused]] const auto& delta, [[maybe_unused]] const auto& a, [[maybe_unused]] const auto& g) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(u(j)), (Ops::value(w(j)) + sum<Ops>(j, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(w(k)) - Ops::value(q(k))) * Ops::value(U(k, j)))); }))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(H(i, j)) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); }))), (Ops::value(g) * (Ops::value(a(i)) * Ops::value(a(j))))); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(v(j)) - Ops::value(q(j)))), Ops::value(h(j))); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(v(j)) - Ops::value(u(j)))), Ops::value(delta(j))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth gptq_bound_perturbed_post([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d, [[maybe_unused]] const auto& w, [[maybe_unused]] const auto& q, [[maybe_unused]] const auto& u, [[maybe_unused]] const auto& v, [[maybe_unused]] const auto& h, [[maybe_unused]] const auto& delta, [[maybe_unused]] const auto& a, [[maybe_unused]] const auto& g) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(H(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); }), (sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((Ops::value(d(j)) * power<Ops>((Ops::value(h(j)) + Ops::value(delta(j))), 2u))); }) + (Ops::value(g) * power<Ops>(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar((Ops::abs((Ops::value(w(i)) - Ops::value(q(i)))) * Ops::value(a(i)))); }), 2u)))));
  return truth;
}

/// guard_row: theorem T6_guard_row; inputs G[n, n], w[n], g[n], r[n], q[n].
template <class Ops>
typename Ops::Truth guard_row_pre([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& G, [[maybe_unused]] const auto& w, [[maybe_unused]] const auto& g, [[maybe_unused]] const auto& r, [[maybe_unused]] const auto& q) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::implies(Ops::le(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(g(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(g(j))))); })); }), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(r(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(r(j))))); })); })), for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(q(j)), Ops::value(g(j))); })));
  truth = Ops::both(truth, Ops::implies(Ops::lt(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(r(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(r(j))))); })); }), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(g(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(g(j))))); })); })), for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(q(j)), Ops::value(r(j))); })));
  return truth;
}
template <class Ops>
typename Ops::Truth guard_row_post([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& G, [[maybe_unused]] const auto& w, [[maybe_unused]] const auto& g, [[maybe_unused]] const auto& r, [[maybe_unused]] const auto& q) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(q(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(q(j))))); })); }), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(w(i)) - Ops::value(r(i))) * Ops::value(G(i, j))) * (Ops::value(w(j)) - Ops::value(r(j))))); })); })));
  return truth;
}

/// guard_total: theorem T6_guard_matrix; inputs G[n, n], W[p, n], Q[p, n], R[p, n].
template <class Ops>
typename Ops::Truth guard_total_pre([[maybe_unused]] std::size_t p, [[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& G, [[maybe_unused]] const auto& W, [[maybe_unused]] const auto& Q, [[maybe_unused]] const auto& R) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t a) { return Ops::le(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(W(a, i)) - Ops::value(Q(a, i))) * Ops::value(G(i, j))) * (Ops::value(W(a, j)) - Ops::value(Q(a, j))))); })); }), sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(W(a, i)) - Ops::value(R(a, i))) * Ops::value(G(i, j))) * (Ops::value(W(a, j)) - Ops::value(R(a, j))))); })); })); }));
  return truth;
}
template <class Ops>
typename Ops::Truth guard_total_post([[maybe_unused]] std::size_t p, [[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& G, [[maybe_unused]] const auto& W, [[maybe_unused]] const auto& Q, [[maybe_unused]] const auto& R) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(sum<Ops>(p, [&](std::size_t a) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(W(a, i)) - Ops::value(Q(a, i))) * Ops::value(G(i, j))) * (Ops::value(W(a, j)) - Ops::value(Q(a, j))))); })); })); }), sum<Ops>(p, [&](std::size_t a) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar((((Ops::value(W(a, i)) - Ops::value(R(a, i))) * Ops::value(G(i, j))) * (Ops::value(W(a, j)) - Ops::value(R(a, j))))); })); })); })));
  return truth;
}

/// pivots: theorem d_le_diag; inputs H[n, n], U[n, n], d[n].
template <class Ops>
typename Ops::Truth pivots_pre([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::eq(Ops::value(H(i, j)), sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); })); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth pivots_post([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::value(d(j)), Ops::value(H(j, j))); }));
  return truth;
}

/// transfer: theorem T8_transfer_certificate; inputs T[n, n], G[n, n], U[n, n], d[n], e[n], eps, B.
template <class Ops>
typename Ops::Truth transfer_pre([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& T, [[maybe_unused]] const auto& G, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d, [[maybe_unused]] const auto& e, [[maybe_unused]] const auto& eps, [[maybe_unused]] const auto& B) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(i, [&](std::size_t j) { return Ops::eq(Ops::value(U(i, j)), Ops::rational(0, 1)); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return Ops::eq(Ops::value(U(i, i)), Ops::rational(1, 1)); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::eq((((Ops::rational(1, 1) + Ops::value(eps)) * Ops::value(G(i, j))) - Ops::value(T(i, j))), sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); })); }); }));
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t k) { return Ops::le(Ops::rational(0, 1), Ops::value(d(k))); }));
  truth = Ops::both(truth, Ops::le(Ops::rational(0, 1), (Ops::rational(1, 1) + Ops::value(eps))));
  truth = Ops::both(truth, Ops::le(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar(((Ops::value(e(i)) * Ops::value(G(i, j))) * Ops::value(e(j)))); })); }), Ops::value(B)));
  return truth;
}
template <class Ops>
typename Ops::Truth transfer_post([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& T, [[maybe_unused]] const auto& G, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d, [[maybe_unused]] const auto& e, [[maybe_unused]] const auto& eps, [[maybe_unused]] const auto& B) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, Ops::le(sum<Ops>(n, [&](std::size_t i) { return typename Ops::Scalar(sum<Ops>(n, [&](std::size_t j) { return typename Ops::Scalar(((Ops::value(e(i)) * Ops::value(T(i, j))) * Ops::value(e(j)))); })); }), ((Ops::rational(1, 1) + Ops::value(eps)) * Ops::value(B))));
  return truth;
}

/// gf16_half_gap: theorem gf16_columns_error; inputs s[n], x[n], q[n].
template <class Ops>
typename Ops::Truth gf16_half_gap_pre([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& s, [[maybe_unused]] const auto& x, [[maybe_unused]] const auto& q) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::lt(Ops::rational(0, 1), Ops::value(s(j))); }));
  return truth;
}
template <class Ops>
typename Ops::Truth gf16_half_gap_post([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& s, [[maybe_unused]] const auto& x, [[maybe_unused]] const auto& q) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t j) { return Ops::le(Ops::abs((Ops::value(x(j)) - Ops::value(q(j)))), Ops::max((Ops::rational(1, 1024) * Ops::abs(Ops::value(x(j)))), (Ops::rational(1, 1099511627776) * Ops::value(s(j))))); }));
  return truth;
}

/// gram_accumulation: theorem T11_gram_binary32; inputs X[n, m], G[n, n].
template <class Ops>
typename Ops::Truth gram_accumulation_pre([[maybe_unused]] std::size_t n, [[maybe_unused]] std::size_t m, [[maybe_unused]] const auto& X, [[maybe_unused]] const auto& G) {
  typename Ops::Truth truth = Ops::yes();
  return truth;
}
template <class Ops>
typename Ops::Truth gram_accumulation_post([[maybe_unused]] std::size_t n, [[maybe_unused]] std::size_t m, [[maybe_unused]] const auto& X, [[maybe_unused]] const auto& G) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t a) { return for_all<Ops>(n, [&](std::size_t b) { return Ops::le(Ops::abs((Ops::value(G(a, b)) - sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::value(X(a, t)) * Ops::value(X(b, t)))); }))), ((power<Ops>((Ops::rational(1, 1) + Ops::rational(1, 9007199254740992)), m) - Ops::rational(1, 1)) * sum<Ops>(m, [&](std::size_t t) { return typename Ops::Scalar((Ops::abs(Ops::value(X(a, t))) * Ops::abs(Ops::value(X(b, t))))); }))); }); }));
  return truth;
}

/// factor_residual: theorem T15_binary64; inputs H[n, n], U[n, n], d[n].
template <class Ops>
typename Ops::Truth factor_residual_pre([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d) {
  typename Ops::Truth truth = Ops::yes();
  return truth;
}
template <class Ops>
typename Ops::Truth factor_residual_post([[maybe_unused]] std::size_t n, [[maybe_unused]] const auto& H, [[maybe_unused]] const auto& U, [[maybe_unused]] const auto& d) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(n, [&](std::size_t i) { return for_all<Ops>(n, [&](std::size_t j) { return Ops::le(power<Ops>((Ops::value(H(i, j)) - sum<Ops>(n, [&](std::size_t k) { return typename Ops::Scalar(((Ops::value(U(i, k)) * Ops::value(d(k))) * Ops::value(U(j, k)))); })), 2u), (power<Ops>(((Ops::count(n) + Ops::rational(2, 1)) * Ops::rational(1, 9007199254740992)), 2u) * (Ops::value(H(i, i)) * Ops::value(H(j, j))))); }); }));
  return truth;
}

}  // namespace hallmark::generated
