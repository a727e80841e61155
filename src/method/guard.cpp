#include "method/guard.hpp"

#include <cmath>

#include "method/exact_row_loss.hpp"

namespace hallmark {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

Loss enclosure(const oracle::Dyadic& loss) {
  const double lo = loss.round_down(), hi = loss.round_up();
  return {lo, lo, hi};
}

}  // namespace

Expected<Guarded> guard(const LossModel& model, const Target& target, MatrixRef<double> G, const Matrix<Code>& proposal,
                        const Matrix<Code>& rtn, const FirstStage* first, Backend* backend) {
  Backend cpu;
  Backend& compute = backend ? *backend : cpu;
  const Index rows = proposal.rows();
  std::vector<Index> open, equal;
  for (Index i = 0; i < rows; ++i) ((proposal.row(i).array() != rtn.row(i).array()).any() ? open : equal).push_back(i);

  Guarded guarded{std::vector<Loss>(at(rows)), std::vector<Loss>(at(rows)), std::vector<std::uint8_t>(at(rows), 0), 0};
  // Decides the open rows by the given enclosures of both losses and keeps those that overlap.
  const auto decide = [&](const std::vector<Loss>& g, const std::vector<Loss>& r) {
    std::vector<Index> left;
    for (std::size_t k = 0; k < open.size(); ++k) {
      const Index i = open[k];
      guarded.proposal[at(i)] = g[k];
      guarded.rtn[at(i)] = r[k];
      if (g[k].hi <= r[k].lo) continue;
      if (r[k].hi < g[k].lo) guarded.row_is_rtn[at(i)] = 1;
      else left.push_back(i);
    }
    open = std::move(left);
  };
  // Of the proposal, by the sums that its method left or else by the product.
  const auto first_stage = [&](const std::vector<Index>& list) -> Expected<std::vector<Loss>> {
    if (first->sums.empty()) return compute.losses_binary32(model, first->U, target, proposal, list);
    std::vector<Loss> losses;
    for (const Index i : list) losses.push_back(enclose_binary32(model, first->sums[at(i)]));
    return losses;
  };
  if (first) {
    const Expected<std::vector<Loss>> g = first_stage(open);
    if (!g) return g.error();
    const Expected<std::vector<Loss>> r = compute.losses_binary32(model, first->U, target, rtn, open);
    if (!r) return r.error();
    decide(*g, *r);
  }
  const auto wide = [&]() -> const LossModel& { return first ? first->widened() : model; };
  if (!open.empty()) {
    const Expected<std::vector<Loss>> g = compute.losses(wide(), target, proposal, open);
    if (!g) return g.error();
    const Expected<std::vector<Loss>> r = compute.losses(wide(), target, rtn, open);
    if (!r) return r.error();
    decide(*g, *r);
  }

  // Equal codes have one loss; binary64 encloses it where the first stage did not.
  std::vector<Index> alone;
  if (first) {
    const Expected<std::vector<Loss>> enclosed = first_stage(equal);
    if (!enclosed) return enclosed.error();
    for (std::size_t k = 0; k < equal.size(); ++k)
      guarded.proposal[at(equal[k])] = guarded.rtn[at(equal[k])] = (*enclosed)[k];
  }
  for (const Index i : equal)
    if (!first || !std::isfinite(guarded.proposal[at(i)].hi)) alone.push_back(i);
  const Expected<std::vector<Loss>> losses = alone.empty() ? Expected<std::vector<Loss>>(std::vector<Loss>())
                                                           : compute.losses(wide(), target, proposal, alone);
  if (!losses) return losses.error();
  for (std::size_t k = 0; k < alone.size(); ++k)
    guarded.proposal[at(alone[k])] = guarded.rtn[at(alone[k])] = (*losses)[k];

  guarded.exact_rows = static_cast<Index>(open.size());
  if (open.empty()) return guarded;
  const Matrix<double> contiguous = G;
  const oracle::ExactGram exact({contiguous.data(), at(contiguous.size())}, at(contiguous.cols()));
#pragma omp parallel for schedule(dynamic)
  for (std::size_t k = 0; k < open.size(); ++k) {
    const Index i = open[k];
    const auto loss = [&](const Matrix<Code>& codes) {
      return exact_row_loss(exact, target.W, target.grid, target.steps, codes, i);
    };
    const oracle::Dyadic g = loss(proposal), r = loss(rtn);
    guarded.proposal[at(i)] = enclosure(g);
    guarded.rtn[at(i)] = enclosure(r);
    guarded.row_is_rtn[at(i)] = compare(g, r) > 0;
  }
  return guarded;
}

}  // namespace hallmark
