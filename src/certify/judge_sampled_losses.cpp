// T1 and T15 for chosen rows: the plain loss from G itself against the squares of a binary64 product e U.
#include <algorithm>

#include "certify/judge.hpp"

namespace hallmark {

using namespace contracts;

namespace {

// The errors w - q of a row at the positions of the recurrence: exactly, and as near +- off.
struct Errors {
  const Case& c;
  Index row;
  std::vector<double> q, near, off;

  Errors(const Case& tensor, Index i)
      : c(tensor),
        row(i),
        q(c.numbers(c.evidence.result.codes, c.evidence.result.steps, i)),
        near(at(c.columns.n)),
        off(at(c.columns.n)) {
    for (std::size_t p = 0; p < near.size(); ++p) {
      const Wide exact = WideOps::value((*this)(p));
      near[p] = exact.hi;
      // slack: 1 / (1 - 2 * u) <= 1 + 2^-50 for u = 2^-53
      off[p] = (std::fabs(exact.lo) + exact.err) * (1 + 0x1p-50);
    }
  }
  Difference<double> operator()(std::size_t p) const {
    const Index j = c.columns.column[p];
    return {static_cast<double>(c.evidence.W(row, j)), q[at(j)]};
  }
};

// Twice the loss, 2 e G e^T, an upper triangle and a diagonal.
Wide twice_loss(const Case& c, const Errors& e) {
  const Index n = c.columns.n;
  const MatrixRef<double>& G = *c.evidence.G;
  const std::vector<Index>& column = c.columns.column;
  bool in_order = true;
  for (Index p = 0; p < n; ++p) in_order &= column[at(p)] == p;
  std::vector<Wide> part(at(n));
#pragma omp parallel for schedule(dynamic, 16) if (n > 64)
  for (Index p = 0; p < n; ++p) {
    const Index j = column[at(p)];
    const double* row = G.data() + j * G.outerStride() + p + 1;
    std::vector<double> permuted;
    if (!in_order) {
      for (Index k = p + 1; k < n; ++k) permuted.push_back(G(j, column[at(k)]));
      row = permuted.data();
    }
    Wide above{};
    c.unit.dot(row, e.near.data() + p + 1, e.off.data() + p + 1, at(n - p - 1), &above.hi, &above.err);
    const Wide own = WideOps::value(e(at(p)));
    part[at(p)] = own * (WideOps::value(G(j, j)) * own + above + above);
  }
  Wide L{};
  for (const Wide& x : part) L = L + x + x;
  return L;
}

void judge_row(Case& c, Index i) {
  const Index n = c.columns.n;
  const Vector<double>& pivots = c.evidence.model->d;
  const Errors e(c, i);
  std::vector<double> product(at(n));
  c.unit.product(c.evidence.U->data(), at(n), e.near.data(), product.data());
  double squares = 0, size = 0;
  for (std::size_t p = 0; p < at(n); ++p) {
    size += std::fabs(e.near[p]) * c.columns.root[p];
    squares += pivots[static_cast<Index>(p)] * product[p] * product[p];
  }
  const double g = residual_constant(n);
  // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
  const double N = std::sqrt(squares) * (1 + 0x1p-20);
  // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
  // slack: 4 * 2^-1074 <= 2^-800
  const double rho = g * size * (1 + g) * (1 + 0x1p-20) + 0x1p-800;  // Coq `product_norm`: product64 = residual64
  const auto t = [&](std::size_t p) { return product[p]; };
  const auto d = [&](std::size_t p) { return pivots[static_cast<Index>(p)]; };
  const auto a = [&](std::size_t p) { return c.columns.root[p]; };
  const auto excess = [&](std::size_t p) { return Difference<double>{c.columns.H[p], c.columns.twice_G[p]}; };
  c.evaluations(generated::loss_enclosure)
      .once(
          [&](const auto& pick) {
            using Ops = OpsOf<decltype(pick)>;
            const auto L = [&]() -> typename Ops::Scalar {
              if constexpr (std::is_same_v<Ops, WideOps>) {
                return twice_loss(c, e);
              } else {
                const Exact loss = c.exact_loss.of_result(i);
                return loss + loss;
              }
            };
            return generated::loss_enclosure_post<Ops>(at(n), pick(d), pick(excess), pick(e), pick(t), pick(a), pick(g),
                                                       pick(N), pick(rho), L());
          },
          i, "from the Gram matrix");
}

void judge_sampled_losses(Case& c) {
  const Index n = c.columns.n, count = std::clamp<Index>((Index{1} << 19) / (n * n), 1, 4);
  for (Index sample = 0; sample < count; ++sample)
    judge_row(c, static_cast<Index>(c.chosen() % at(c.evidence.W.rows())));
}

constexpr const generated::Contract* sampled_losses_contracts[] = {&generated::loss_enclosure};

}  // namespace

namespace judging {
extern const Judge sampled_losses;
const Judge sampled_losses{sampled_losses_contracts,
                           [](const Case& c) { return has_factor(c) && !c.evidence.asymmetric; }, judge_sampled_losses};
}  // namespace judging

}  // namespace hallmark
