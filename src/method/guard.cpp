#include "method/guard.hpp"

#include <cmath>

#include "oracle/exact_loss.hpp"

namespace hallmark {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

oracle::Dyadic exact_row_loss(const Target& target, const oracle::ExactGram& G, const Matrix<Code>& codes, Index row) {
  std::vector<float> w, scale;
  std::vector<double> point;
  for (Index j = 0; j < codes.cols(); ++j) {
    w.push_back(target.W(row, j));
    scale.push_back(scale_at(target.scales, target.group_size, row, j));
    point.push_back(target.grid.value(codes(row, j)));
  }
  return G.loss(w, scale, point);
}

Loss enclosure(const oracle::Dyadic& loss) {
  const double lo = loss.round_down(), hi = loss.round_up();
  return {lo, lo, hi};
}

}  // namespace

Expected<Guarded> guard(const LossModel& model, const Target& target, MatrixRef<double> G, const Matrix<Code>& gptq,
                        const Matrix<Code>& rtn, const FirstStage* first, Backend* backend) {
  Backend cpu;
  Backend& compute = backend ? *backend : cpu;
  const Index rows = gptq.rows();
  std::vector<Index> open, equal;
  for (Index i = 0; i < rows; ++i) ((gptq.row(i).array() != rtn.row(i).array()).any() ? open : equal).push_back(i);

  Guarded guarded{std::vector<Loss>(at(rows)), std::vector<Loss>(at(rows)), std::vector<std::uint8_t>(at(rows), 0), 0};
  // Decides the open rows by the given enclosures of both losses and keeps those that overlap.
  const auto decide = [&](const std::vector<Loss>& g, const std::vector<Loss>& r) {
    std::vector<Index> left;
    for (std::size_t k = 0; k < open.size(); ++k) {
      const Index i = open[k];
      guarded.gptq[at(i)] = g[k];
      guarded.rtn[at(i)] = r[k];
      if (g[k].hi <= r[k].lo) continue;
      if (r[k].hi < g[k].lo) guarded.row_is_rtn[at(i)] = 1;
      else left.push_back(i);
    }
    open = std::move(left);
  };
  if (first) {
    std::vector<Loss> g;
    for (const Index i : open) g.push_back(enclose_binary32(model, first->gptq[at(i)]));
    const Expected<std::vector<Loss>> r = compute.losses_binary32(model, first->U, target, rtn, open);
    if (!r) return r.error();
    decide(g, *r);
  }
  const auto wide = [&]() -> const LossModel& { return first ? first->widened() : model; };
  if (!open.empty()) {
    const Expected<std::vector<Loss>> g = compute.losses(wide(), target, gptq, open);
    if (!g) return g.error();
    const Expected<std::vector<Loss>> r = compute.losses(wide(), target, rtn, open);
    if (!r) return r.error();
    decide(*g, *r);
  }

  // Equal codes have one loss; binary64 encloses it where the first stage did not.
  std::vector<Index> alone;
  for (const Index i : equal) {
    if (first) guarded.gptq[at(i)] = guarded.rtn[at(i)] = enclose_binary32(model, first->gptq[at(i)]);
    if (!first || !std::isfinite(guarded.gptq[at(i)].hi)) alone.push_back(i);
  }
  const Expected<std::vector<Loss>> losses =
      alone.empty() ? Expected<std::vector<Loss>>(std::vector<Loss>()) : compute.losses(wide(), target, gptq, alone);
  if (!losses) return losses.error();
  for (std::size_t k = 0; k < alone.size(); ++k) guarded.gptq[at(alone[k])] = guarded.rtn[at(alone[k])] = (*losses)[k];

  guarded.exact_rows = static_cast<Index>(open.size());
  if (open.empty()) return guarded;
  const Matrix<double> contiguous = G;
  const oracle::ExactGram exact({contiguous.data(), at(contiguous.size())}, at(contiguous.cols()));
#pragma omp parallel for schedule(dynamic)
  for (std::size_t k = 0; k < open.size(); ++k) {
    const Index i = open[k];
    const oracle::Dyadic g = exact_row_loss(target, exact, gptq, i), r = exact_row_loss(target, exact, rtn, i);
    guarded.gptq[at(i)] = enclosure(g);
    guarded.rtn[at(i)] = enclosure(r);
    guarded.row_is_rtn[at(i)] = compare(g, r) > 0;
  }
  return guarded;
}

}  // namespace hallmark
