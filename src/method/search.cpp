#include "method/search.hpp"

#include <algorithm>

#include "base/error_numbers.hpp"
#include "linalg/buffer.hpp"
#include "method/gptq.hpp"
#include "method/row_groups.hpp"
#include "method/rtn.hpp"

namespace hallmark {
namespace {

// Rows whose codes under all candidates wait for the selection together: whole groups of the recurrence, 128 MB of
// codes where these are more than one group. No row depends on it.
Index rows_together(std::size_t candidates, Index cols) {
  constexpr Index group = RowGroups::kTogether * kLanes<float>, bytes = Index{128} << 20;
  const Index row = static_cast<Index>(candidates * sizeof(Code)) * std::max<Index>(cols, 1);
  return std::max<Index>(1, bytes / row / group) * group;
}

std::vector<Steps> without(std::vector<Steps> candidates, std::size_t k) {
  candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(k));
  return candidates;
}

// The rows from `first` on become those of a part.
void place(const Proposal& part, Index first, Proposal& whole) {
  const Index count = part.rounded.codes.rows();
  whole.rounded.codes.middleRows(first, count) = part.rounded.codes;
  whole.steps->scales.middleRows(first, count) = part.steps->scales;
  if (whole.steps->zeros.size() != 0) whole.steps->zeros.middleRows(first, count) = part.steps->zeros;
  std::ranges::copy(part.rounded.clipped, whole.rounded.clipped.begin() + first);
  std::ranges::copy(part.known, whole.known.begin() + first);
}

}  // namespace

Status offer(const MethodInput& input, std::optional<Proposal>& best, Proposal next) {
  std::vector<Proposal> proposals;
  if (best) proposals.push_back(*std::move(best));
  proposals.push_back(std::move(next));
  Expected<Proposal> better = input.select(input.target, std::move(proposals));
  if (!better) return better.error();
  best = *std::move(better);
  return ok();
}

std::size_t most_candidates(const Options& options) {
  std::size_t most = 1;
  if (statistic_of(options.scale_rule) == Statistic::losses)
    if (const auto ratios = parse_ratios(options.ratios))
      most = ratios->size() * (options.grid.spec().either_sign ? 2 : 1);
  const Expected<const Method*> method = find_method(options.method);
  const bool other = method && options.rotation != no_rotation && !(*method)->upright.empty();
  for (const Expected<const Method*>& tried : {method, other ? find_method((*method)->upright) : method})
    if (tried && (*tried)->candidates) most = std::max(most, (*tried)->candidates(options));
  return most;
}

double searched_bytes(std::size_t candidates, Index rows, Index cols) {
  const Index together = std::min(rows, rows_together(candidates, cols));
  constexpr Index of_losses = 104;  // of a row: clipped codes, sums, enclosures twice, and whether it is still open
  const Index row = static_cast<Index>(sizeof(Code)) * cols + of_losses;
  return static_cast<double>(candidates + 1) * static_cast<double>(together) * static_cast<double>(row);
}

Expected<Proposal> search(const MethodInput& input, const std::vector<Steps>& candidates) {
  const Target& target = input.target;
  const Index rows = target.W.rows(), together = rows_together(candidates.size(), target.W.cols());
  MethodInput summing = input;
  summing.sums = true;
  Proposal found{{fresh_matrix<Code>(rows, target.W.cols()), std::vector<Index>(static_cast<std::size_t>(rows))},
                 candidates.front(),
                 {},
                 KnownLosses(static_cast<std::size_t>(rows))};
  for (Index first = 0; first < rows; first += together) {
    const Index count = std::min(together, rows - first);
    const MatrixRef<float> W = target.W.middleRows(first, count);
    std::vector<Proposal> proposals;
    for (std::size_t k = 0; k < candidates.size(); ++k) {
      Steps steps = candidates[k].rows(first, count);
      Expected<Proposal> proposal = gptq_proposal(summing, {W, target.grid, steps, target.order});
      const bool overflow = !proposal && proposal.error().number == error_number::gptq_overflow;
      if (overflow && k > 0) return search(input, without(candidates, k));
      if (overflow)  // once more, for the place in the whole
        return gptq_proposal(input, {target.W, target.grid, candidates.front(), target.order});
      if (!proposal) return proposal.error();
      proposal->steps = std::move(steps);
      proposals.push_back(*std::move(proposal));
    }
    const Steps steps = candidates.front().rows(first, count);
    proposals.push_back({round_to_nearest(W, target.grid, steps), steps});
    const Expected<Proposal> best = input.select({W, target.grid, steps, target.order}, std::move(proposals));
    if (!best) return best.error();
    place(*best, first, found);
  }
  return found;
}

}  // namespace hallmark
