// The contracts of the matrices: the Gram matrix, its factor, and losses from both.
#include <fmt/format.h>

#include <algorithm>

#include "certify/tensor_judge.hpp"
#include "linalg/strip.hpp"

namespace hallmark {

using namespace contracts;

// |G_ij| against the diagonal, for j >= i.
void TensorJudge::gram_bound() {
  const MatrixRef<double>& G = *evidence_.G;
  const Index n = G.cols();
  const Vector<double> diagonal = G.diagonal();
  const int low = least_exponent_of(diagonal);
  Count decided{.theorem = generated::gram_bound.theorem};
  std::vector<Index> open;
#pragma omp parallel if (n > 64)
  {
    Count mine;
    std::vector<Index> left;
#pragma omp for schedule(dynamic, 8)
    for (Index i = 0; i < n; ++i)
      if (policy_ == Policy::on && unit_.gram_row(G.data() + i * G.outerStride() + i, &diagonal[i], at(n - i), low))
        ++mine.passed, ++mine.by_binary64;
      else left.push_back(i);
#pragma omp critical(hallmark_gram_bound)
    {
      decided += mine;
      open.insert(open.end(), left.begin(), left.end());
    }
  }
  if (decided.passed > 0) report_.add(generated::gram_bound.name, decided);
  std::sort(open.begin(), open.end());
#pragma omp parallel for schedule(dynamic) if (open.size() > 64)
  for (std::size_t k = 0; k < open.size(); k += kRowsAtOnce) {
    const std::span<const Index> rows = std::span(open).subspan(k, std::min(kRowsAtOnce, open.size() - k));
    const Index first = *std::min_element(rows.begin(), rows.end());
    const auto entry = [&](std::size_t j) {
      Lanes x{};
      for (std::size_t lane = 0; lane < rows.size(); ++lane) x[lane] = G(rows[lane], first + static_cast<Index>(j));
      return x;
    };
    const auto other = [&](std::size_t j) { return diagonal[first + static_cast<Index>(j)]; };
    Lanes own{};
    for (std::size_t lane = 0; lane < rows.size(); ++lane) own[lane] = diagonal[rows[lane]];
    judge(generated::gram_bound)
        .lanes(
            rows.size(),
            [&](const auto& pick) {
              return generated::gram_bound_post<OpsOf<decltype(pick)>>(at(n - first), pick(entry), pick(own),
                                                                       pick(other));
            },
            [&](std::size_t lane) { return rows[lane]; }, [](std::size_t) {});
  }
}

// T15: pivots, the whole diagonal, and entries chosen by the digest.
void TensorJudge::factor() {
  const Index n = columns_.n;
  const Vector<double>& diagonal = *evidence_.diag_H;
  const double g = residual_constant(n);
  const auto entry_of_H = [&](Index i, Index j) {
    return i == j ? diagonal[i] : 2 * (*evidence_.G)(columns_.column[at(i)], columns_.column[at(j)]);
  };
  const auto entry = [&](Index i, Index j) {
    const Index from = std::max(i, j);
    const auto x = [&](std::size_t k) { return U(i, from + static_cast<Index>(k)); };
    const auto y = [&](std::size_t k) { return U(j, from + static_cast<Index>(k)); };
    const auto d = [&](std::size_t k) { return evidence_.model->d[from + static_cast<Index>(k)]; };
    const double h = entry_of_H(i, j);
    judge(generated::factor_residual)
        .once(
            [&](const auto& pick) {
              return generated::factor_residual_post<OpsOf<decltype(pick)>>(at(n - from), pick(x), pick(y), pick(d),
                                                                            pick(h), pick(columns_.root[at(i)]),
                                                                            pick(columns_.root[at(j)]), pick(g));
            },
            std::nullopt, fmt::format("entry ({}, {})", columns_.column[at(i)], columns_.column[at(j)]));
  };
  std::vector<std::pair<Index, Index>> entries, chosen;
  for (Index k = 0; k < kSamples && n > 1; ++k) {
    const auto i = static_cast<Index>(chosen_() % at(n)), j = static_cast<Index>(chosen_() % at(n));
    chosen.emplace_back(i, j);
  }
  if (policy_ == Policy::on) {
    const auto lanes = static_cast<Index>(unit_.lanes);
    const double *u = evidence_.U->data(), *d = evidence_.model->d.data(), *root = columns_.root.data();
    const int low_d = least_exponent_of(evidence_.model->d);
    Count count{.theorem = generated::factor_residual.theorem};
    const auto add = [&](std::uint32_t holds, Index lane, std::pair<Index, Index> place) {
      if ((holds >> lane & 1) != 0) ++count.passed, ++count.by_binary64;
      else entries.push_back(place);
    };
#pragma omp parallel if (n > 64)
    {
      std::vector<double> work(at(n + lanes) * unit_.lanes);
#pragma omp for schedule(dynamic)
      for (Index first = 0; first < n; first += lanes) {
        const std::uint32_t holds =
            unit_.diagonal(u, at(n), at(first), d, diagonal.data(), root, g, low_d, work.data());
#pragma omp critical(hallmark_diagonal)
        for (Index i = first; i < std::min(n, first + lanes); ++i) add(holds, i - first, {i, i});
      }
    }
    std::sort(chosen.begin(), chosen.end(),
              [](const auto& a, const auto& b) { return std::max(a.first, a.second) < std::max(b.first, b.second); });
    for (std::size_t first = 0; first < chosen.size();
         first += unit_.lanes) {  // sums of about the same length together
      std::vector<std::size_t> i, j;
      std::vector<double> h;
      for (std::size_t k = first; k < first + unit_.lanes; ++k) {
        i.push_back(at(chosen[k].first));
        j.push_back(at(chosen[k].second));
        h.push_back(entry_of_H(chosen[k].first, chosen[k].second));
      }
      const std::uint32_t holds = unit_.entries(u, at(n), i.data(), j.data(), d, h.data(), root, g);
      for (std::size_t k = first; k < first + unit_.lanes; ++k) add(holds, static_cast<Index>(k - first), chosen[k]);
    }
    report_.add(generated::factor_residual.name, count);
  } else {
    for (Index i = 0; i < n; ++i) entries.emplace_back(i, i);
    entries.insert(entries.end(), chosen.begin(), chosen.end());
  }
#pragma omp parallel for schedule(dynamic, 8) if (entries.size() > 64)
  for (std::size_t k = 0; k < entries.size(); ++k) entry(entries[k].first, entries[k].second);
  for (Index p = 0; p < n; ++p) {
    const auto d = [&](std::size_t) { return evidence_.model->d[p]; };
    const auto h = [&](std::size_t) { return diagonal[p]; };
    judge(generated::pivots)
        .once(
            [&](const auto& pick) {
              return generated::pivots_post<OpsOf<decltype(pick)>>(1, pick(d), pick(h), pick(g));
            },
            std::nullopt, fmt::format("pivot {}", columns_.column[at(p)]));
  }
}

// T1 and T15 for chosen rows: the loss from G itself against the squares of a binary64 product e U.
void TensorJudge::sampled_losses() {
  const Index n = columns_.n, count = std::clamp<Index>((Index{1} << 19) / (n * n), 1, 4);
  const MatrixRef<double>& G = *evidence_.G;
  bool in_order = true;
  for (Index p = 0; p < n; ++p) in_order &= columns_.column[at(p)] == p;
  for (Index sample = 0; sample < count; ++sample) {
    const auto i = static_cast<Index>(chosen_() % at(evidence_.W.rows()));
    const auto q = [&](std::size_t p) { return point(evidence_.result.codes, i, columns_.column[p]); };
    const auto e = [&](std::size_t p) {
      return Difference<double>{static_cast<double>(evidence_.W(i, columns_.column[p])), q(p)};
    };
    std::vector<double> near(at(n)), off(at(n)), product(at(n));  // e = near +- off
    double squares = 0, size = 0;
    for (std::size_t p = 0; p < at(n); ++p) {
      const Wide exact = WideOps::value(e(p));
      near[p] = exact.hi;
      off[p] = (std::fabs(exact.lo) + exact.err) * (1 + 0x1p-50);
      size += std::fabs(near[p]) * columns_.root[p];
    }
    unit_.product(evidence_.U->data(), at(n), near.data(), product.data());
    for (std::size_t p = 0; p < at(n); ++p)
      squares += evidence_.model->d[static_cast<Index>(p)] * product[p] * product[p];
    const double g = residual_constant(n);
    const double N = std::sqrt(squares) * (1 + 0x1p-20);
    const double rho = g * size * (1 + g) * (1 + 0x1p-20) + 0x1p-800;  // Coq `product_norm`: product64 = residual64
    const auto t = [&](std::size_t p) { return product[p]; };
    const auto d = [&](std::size_t p) { return evidence_.model->d[static_cast<Index>(p)]; };
    const auto a = [&](std::size_t p) { return columns_.root[p]; };
    const auto c = [&](std::size_t p) { return Difference<double>{columns_.H[p], columns_.twice_G[p]}; };
    judge(generated::loss_enclosure)
        .once(
            [&](const auto& pick) {
              using Ops = OpsOf<decltype(pick)>;
              typename Ops::Scalar L = Ops::rational(0, 1);
              if constexpr (std::is_same_v<Ops, WideOps>) {
                std::vector<Wide> part(at(n));
#pragma omp parallel for schedule(dynamic, 16) if (n > 64)
                for (Index p = 0; p < n; ++p) {
                  const Index j = columns_.column[at(p)];
                  const double* row = G.data() + j * G.outerStride() + p + 1;
                  std::vector<double> permuted;
                  if (!in_order) {
                    for (Index k = p + 1; k < n; ++k) permuted.push_back(G(j, columns_.column[at(k)]));
                    row = permuted.data();
                  }
                  Wide above{};
                  unit_.dot(row, near.data() + p + 1, off.data() + p + 1, at(n - p - 1), &above.hi, &above.err);
                  part[at(p)] = Ops::value(e(at(p))) * (Ops::value(G(j, j)) * Ops::value(e(at(p))) + above + above);
                }
                for (const Wide& x : part) L = L + x + x;
              } else {
                const Exact loss = losses_(evidence_.result.codes, i);
                L = loss + loss;
              }
              return generated::loss_enclosure_post<Ops>(at(n), pick(d), pick(c), pick(e), pick(t), pick(a), pick(g),
                                                         pick(N), pick(rho), L);
            },
            i, "from the Gram matrix");
  }
}

}  // namespace hallmark
