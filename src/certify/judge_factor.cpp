// T15: every pivot, the whole diagonal, and entries of H chosen by the digest of pivots and losses. H is made again
// from G and the options.
#include <fmt/format.h>

#include <algorithm>

#include "certify/judge.hpp"

namespace hallmark {

using namespace contracts;

namespace {

constexpr Index kSampledEntries = 64;

using Place = std::pair<Index, Index>;

double entry_of_H(const Case& c, const Place& e) {
  const auto [i, j] = e;
  return i == j ? c.columns.H[at(i)] : 2 * (*c.evidence.G)(c.columns.column[at(i)], c.columns.column[at(j)]);
}

void judge_entry(const Case& c, const Place& e) {
  const Index i = e.first, j = e.second, from = std::max(i, j);
  const auto x = [&](std::size_t k) { return c.U(i, from + static_cast<Index>(k)); };
  const auto y = [&](std::size_t k) { return c.U(j, from + static_cast<Index>(k)); };
  const auto d = [&](std::size_t k) { return c.evidence.model->d[from + static_cast<Index>(k)]; };
  const double h = entry_of_H(c, e), a = c.columns.root[at(i)], b = c.columns.root[at(j)];
  const double g = residual_constant(c.columns.n);
  c.evaluations(generated::factor_residual)
      .once(
          [&](const auto& pick) {
            return generated::factor_residual_post<OpsOf<decltype(pick)>>(at(c.columns.n - from), pick(x), pick(y),
                                                                          pick(d), pick(h), pick(a), pick(b), pick(g));
          },
          std::nullopt, fmt::format("entry ({}, {})", c.columns.column[at(i)], c.columns.column[at(j)]));
}

// What the unit decides, and what it leaves open.
struct FactorByUnit {
  Count decided{.theorem = generated::factor_residual.theorem};
  std::vector<Place> open;

  void add(std::uint32_t holds, Index lane, const Place& e) {
    if ((holds >> lane & 1) != 0) ++decided.passed, ++decided.by_binary64;
    else open.push_back(e);
  }

  void diagonal(const Case& c) {
    const Index n = c.columns.n, lanes = static_cast<Index>(c.unit.lanes);
    const double g = residual_constant(n), *d = c.evidence.model->d.data(), *h = c.columns.H.data();
    const int low_d = least_exponent_of(c.evidence.model->d);
#pragma omp parallel if (n > 64)
    {
      std::vector<double> work(at(n + lanes) * c.unit.lanes);
#pragma omp for schedule(dynamic)
      for (Index first = 0; first < n; first += lanes) {
        const std::uint32_t holds =
            c.unit.diagonal(c.evidence.U->data(), at(n), at(first), d, h, c.columns.root.data(), g, low_d, work.data());
#pragma omp critical(hallmark_diagonal)
        for (Index i = first; i < std::min(n, first + lanes); ++i) add(holds, i - first, {i, i});
      }
    }
  }

  // As many as are a multiple of the unit's lanes; sums of about the same length together.
  void entries(const Case& c, std::vector<Place> list) {
    std::ranges::sort(list, {}, [](const Place& e) { return std::max(e.first, e.second); });
    const std::size_t lanes = c.unit.lanes;
    for (std::size_t first = 0; first < list.size(); first += lanes) {
      std::vector<std::size_t> i, j;
      std::vector<double> h;
      for (const Place& e : std::span(list).subspan(first, lanes)) {
        i.push_back(at(e.first));
        j.push_back(at(e.second));
        h.push_back(entry_of_H(c, e));
      }
      const std::uint32_t holds =
          c.unit.entries(c.evidence.U->data(), at(c.columns.n), i.data(), j.data(), c.evidence.model->d.data(),
                         h.data(), c.columns.root.data(), residual_constant(c.columns.n));
      for (std::size_t k = 0; k < lanes; ++k) add(holds, static_cast<Index>(k), list[first + k]);
    }
  }
};

void judge_pivot(const Case& c, Index p) {
  const double g = residual_constant(c.columns.n);
  const auto d = [&](std::size_t) { return c.evidence.model->d[p]; };
  const auto h = [&](std::size_t) { return c.columns.H[at(p)]; };
  c.evaluations(generated::pivots)
      .once(
          [&](const auto& pick) { return generated::pivots_post<OpsOf<decltype(pick)>>(1, pick(d), pick(h), pick(g)); },
          std::nullopt, fmt::format("pivot {}", c.columns.column[at(p)]));
}

void judge_factor(Case& c) {
  const Index n = c.columns.n;
  std::vector<Place> open;
  for (Index k = 0; k < kSampledEntries && n > 1; ++k) {
    const auto i = static_cast<Index>(c.chosen() % at(n)), j = static_cast<Index>(c.chosen() % at(n));
    open.emplace_back(i, j);
  }
  if (c.policy == Policy::on) {
    FactorByUnit unit;
    unit.diagonal(c);
    unit.entries(c, std::move(open));
    c.report.add(generated::factor_residual.name, unit.decided);
    open = std::move(unit.open);
  } else {
    for (Index i = 0; i < n; ++i) open.emplace_back(i, i);
  }
#pragma omp parallel for schedule(dynamic, 8) if (open.size() > 64)
  for (std::size_t k = 0; k < open.size(); ++k) judge_entry(c, open[k]);
  for (Index p = 0; p < n; ++p) judge_pivot(c, p);
}

constexpr const generated::Contract* factor_contracts[] = {&generated::factor_residual, &generated::pivots};

}  // namespace

namespace judging {
extern const Judge factor;
const Judge factor{factor_contracts, has_factor, judge_factor};
}  // namespace judging

}  // namespace hallmark
