#include "method/selection.hpp"

namespace hallmark {
namespace {

// Row i of `from`, with its steps, into `best`, which has steps of its own.
void take_row(const Proposal& from, const Target& target, Index i, Proposal& best) {
  const auto k = static_cast<std::size_t>(i);
  const Steps& steps = from.steps ? *from.steps : target.steps;
  best.rounded.codes.row(i) = from.rounded.codes.row(i);
  best.rounded.clipped[k] = from.rounded.clipped[k];
  best.steps->take_row(i, steps);
  if (!best.sums.empty()) best.sums[k] = from.sums[k];
  best.known.resize(best.rounded.clipped.size());
  best.known[k] = from.known.empty() ? std::nullopt : from.known[k];
}

}  // namespace

Expected<Proposal> select(const LossModel& model, MatrixRef<double> G, const Target& target,
                          std::vector<Proposal> proposals, const FirstStage& stage, Backend& compute) {
  Proposal best = std::move(proposals.front());
  for (std::size_t k = 1; k < proposals.size(); ++k) {
    Proposal& next = proposals[k];
    const auto under = [&](const Proposal& p) {
      return Target{target.W, target.grid, p.steps ? *p.steps : target.steps, target.order, target.asymmetric};
    };
    const Target mine = under(best), theirs = under(next);
    const Expected<Contest> decided = contest(model, G, {mine, best.rounded.codes, best.sums, &best.known},
                                              {theirs, next.rounded.codes, next.sums, &next.known}, &stage, &compute);
    if (!decided) return decided.error();
    if (next.sums.empty()) best.sums.clear();
    if (!best.steps) best.steps = target.steps;
    for (Index i = 0; i < target.W.rows(); ++i)
      if (decided->second_wins[static_cast<std::size_t>(i)]) take_row(next, target, i, best);
  }
  return best;
}

}  // namespace hallmark
