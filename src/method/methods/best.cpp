// The best codes of a grid that the effort finds: GPTQ under searched steps, descent from there, and descents from GPTQ
// under multiples of the best steps.
#include "method/descent.hpp"
#include "method/gptq.hpp"
#include "method/search.hpp"
#include "scale/ratios.hpp"

namespace hallmark {
namespace {

struct Plan {
  int ratios;  // from 1 down to 0.3, evenly
  Index sweeps;
  std::vector<double> restarts;
};

Plan plan_of(Index effort) {
  switch (effort) {
    case 1: return {8, 2, {}};
    case 2: return {14, 4, {}};
    case 3: return {14, 8, {}};
    case 4: return {29, 8, {0.9, 1.1}};
    default: return {57, 16, {0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2}};
  }
}

Expected<std::vector<Proposal>> propose(const MethodInput& watched) {
  const MethodInput input = watched.unwatched();
  const Target& target = input.target;
  const auto [count, sweeps, restarts] = plan_of(input.options.effort);
  std::vector<double> ratios;
  for (int k = 0; k < count; ++k) ratios.push_back(1 - 0.7 * k / (count - 1));
  const auto under = [&](const Steps& steps, std::span<const double> by) {
    return multiples(steps, by, target.grid, input.options.scale_storage);
  };
  const bool given = input.options.scale_rule == given_scales;
  std::vector<Steps> candidates{target.steps};
  for (Steps& other : under(target.steps, ratios))
    if (!given && other.scales != target.steps.scales) candidates.push_back(std::move(other));
  Expected<Proposal> searched = search(input, candidates);
  if (!searched) return searched.error();
  const ScaledGram gram(*input.G);
  const Steps steps = *searched->steps;
  std::optional<Proposal> best = *std::move(searched);
  if (const Status offered = offer(input, best, descended(input, gram, *best, sweeps)); !offered)
    return offered.error();
  for (const double restart : given ? std::vector<double>() : restarts)
    for (const Steps& other : under(steps, std::span(&restart, 1))) {
      Expected<Proposal> start = gptq_proposal(input, {target.W, target.grid, other, target.order});
      if (!start) continue;  // an overflow: what there is stays
      start->steps = other;
      const Status offered = offer(input, best, descended(input, gram, *start, sweeps));
      if (!offered) return offered.error();
    }
  std::vector<Proposal> proposals;
  proposals.push_back(*std::move(best));
  return proposals;
}

}  // namespace

namespace method {
extern const Method best;
const Method best{"best", "searched steps, descent, and descents from other starts, as far as the effort goes", true,
                  true, propose};
}  // namespace method

}  // namespace hallmark
