#include "oracle/exact_gptq.hpp"

namespace hallmark::oracle {
namespace {

void round_into(ExactRow& row, const ExactGrid& grid, const mpq_class& u, const mpq_class& scale) {
  const auto nearest = grid.nearest(u, scale);
  row.u.push_back(u);
  row.q.push_back(scale * mpq_class(grid.value(nearest.code)));
  row.margin.push_back(nearest.margin);
  row.codes.push_back(nearest.code);
  row.clipped += nearest.clipped;
}

// w_j + sum_{k<j} (w_k - q_k) U_kj.
mpq_class compensated(const ExactFactor& factor, const Rationals& w, const Rationals& q, std::size_t j) {
  mpq_class u = w[j];
  for (std::size_t k = 0; k < j; ++k) u += (w[k] - q[k]) * factor.U[k * w.size() + j];
  return u;
}

}  // namespace

std::optional<ExactFactor> exact_factor(const Rationals& H, std::size_t n) {
  Rationals C = H;
  ExactFactor factor{Rationals(n * n), Rationals(n)};
  for (std::size_t k = n; k-- > 0;) {
    factor.d[k] = C[k * n + k];
    if (factor.d[k] <= 0) return std::nullopt;
    factor.U[k * n + k] = 1;
    for (std::size_t i = 0; i < k; ++i) factor.U[i * n + k] = C[i * n + k] / factor.d[k];
    for (std::size_t i = 0; i < k; ++i)
      for (std::size_t j = 0; j < k; ++j) C[i * n + j] -= factor.U[i * n + k] * C[j * n + k];
  }
  return factor;
}

Rationals exact_hessian(const Rationals& G, const mpq_class& lambda, std::size_t n) {
  Rationals H = G;
  for (mpq_class& entry : H) entry *= 2;
  for (std::size_t j = 0; j < n; ++j) H[j * n + j] += lambda;
  return H;
}

ExactRow exact_gptq(const ExactFactor& factor, const ExactGrid& grid, const Rationals& w, const Rationals& scale) {
  ExactRow row;
  for (std::size_t j = 0; j < w.size(); ++j) round_into(row, grid, compensated(factor, w, row.q, j), scale[j]);
  return row;
}

ExactRow exact_rtn(const ExactGrid& grid, const Rationals& w, const Rationals& scale) {
  ExactRow row;
  for (std::size_t j = 0; j < w.size(); ++j) round_into(row, grid, w[j], scale[j]);
  return row;
}

mpq_class exact_loss_of(const Rationals& M, const Rationals& w, const Rationals& q) {
  const std::size_t n = w.size();
  mpq_class sum = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) sum += (w[i] - q[i]) * M[i * n + j] * (w[j] - q[j]);
  return sum;
}

mpq_class exact_identity(const ExactFactor& factor, const Rationals& w, const Rationals& q) {
  mpq_class sum = 0;
  for (std::size_t j = 0; j < w.size(); ++j) {
    const mpq_class t = compensated(factor, w, q, j) - q[j];
    sum += factor.d[j] * t * t;
  }
  return sum;
}

std::optional<Comparison> compare_methods(const Rationals& G, const mpq_class& lambda, const ExactGrid& grid,
                                          const Rationals& w, const Rationals& scale) {
  const auto factor = exact_factor(exact_hessian(G, lambda, w.size()), w.size());
  if (!factor) return std::nullopt;
  Comparison both{exact_gptq(*factor, grid, w, scale), exact_rtn(grid, w, scale), 0, 0};
  both.loss_gptq = exact_loss_of(G, w, both.gptq.q);
  both.loss_rtn = exact_loss_of(G, w, both.rtn.q);
  return both;
}

}  // namespace hallmark::oracle
