// The best codes of a grid that the effort finds: GPTQ under the likeliest steps of each row, descent from the best of
// these, and descents from GPTQ under multiples of the best steps.
#include "base/error_numbers.hpp"
#include "method/descent.hpp"
#include "method/gptq.hpp"
#include "method/search.hpp"
#include "scale/candidates.hpp"
#include "scale/ratios.hpp"

namespace hallmark {
namespace {

struct Plan {
  int steps;  // of each row, that GPTQ tries
  Index sweeps;
  std::vector<double> restarts;  // multiples of the best of these
};

Plan plan_of(Index effort) {
  switch (effort) {
    case 1: return {1, 1, {}};
    case 2: return {2, 2, {}};
    case 3: return {4, 3, {}};
    case 4: return {8, 8, {0.9, 1.1}};
    default: return {16, 16, {0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.2}};
  }
}

// For each row and group the steps that round-to-nearest would take under the pivots, best first: GPTQ's loss is sum
// d_j (u_j - q_j)^2 (T1), and what clipping costs it is much the same in w as in u.
std::vector<Steps> likely(const MethodInput& input, int count) {
  const Target& target = input.target;
  const Index rows = target.W.rows(), cols = target.W.cols(), groups = target.steps.scales.cols(),
              width = target.steps.group_size == 0 ? cols : target.steps.group_size;
  std::vector<double> pivots(static_cast<std::size_t>(cols), 0.0);
  for (std::size_t p = 0; p < target.order.size(); ++p)
    pivots[static_cast<std::size_t>(target.order[p])] = input.weights->d[static_cast<Index>(p)];
  std::vector<Steps> found(static_cast<std::size_t>(count), target.steps);
#pragma omp parallel for schedule(static) if (rows * cols > 1 << 14)
  for (Index i = 0; i < rows; ++i)
    for (Index g = 0; g < groups; ++g) {
      const auto size = static_cast<std::size_t>(std::min(width, cols - g * width));
      const std::span<const float> w(target.W.row(i).data() + g * width, size);
      const ScaleInput group{target.grid, w.data(), 1, static_cast<Index>(size), 0, input.options.scale_storage,
                             {},          nullptr,  {}};
      const std::vector<Step> steps = ranked(
          group, w, std::span(pivots).subspan(static_cast<std::size_t>(g * width), size), shrunken_steps(group, w));
      for (std::size_t k = 0; k < found.size(); ++k) {
        const Step& step = steps[std::min(k, steps.size() - 1)];
        found[k].scales(i, g) = static_cast<float>(step.scale);
        if (found[k].zeros.size() != 0) found[k].zeros(i, g) = static_cast<std::int16_t>(step.zero);
      }
    }
  return found;
}

Expected<std::vector<Proposal>> propose(const MethodInput& watched) {
  const MethodInput input = watched.unwatched();
  const Target& target = input.target;
  const auto [count, sweeps, restarts] = plan_of(input.options.effort);
  const bool fits = input.options.scale_rule != given_scales && takes_shrunken(target.grid.spec());
  std::vector<Steps> candidates{target.steps};
  if (fits)
    for (Steps& steps : likely(input, count)) candidates.push_back(std::move(steps));
  Expected<Proposal> searched = search(input, candidates);
  if (!searched) return searched.error();
  const ScaledGram gram(*input.G);
  const Steps steps = *searched->steps;
  std::optional<Proposal> best = *std::move(searched);
  if (const Status offered = offer(input, best, descended(input, gram, *best, sweeps)); !offered)
    return offered.error();
  for (const double restart : fits ? restarts : std::vector<double>()) {
    const std::vector<Steps> other = multiples(steps, std::span(&restart, 1), target.grid, input.options.scale_storage);
    if (other.empty()) continue;
    Expected<Proposal> start = gptq_proposal(input, {target.W, target.grid, other.front(), target.order});
    if (!start && start.error().number == error_number::gptq_overflow) continue;  // what there is stays
    if (!start) return start.error();
    start->steps = other.front();
    const Status offered = offer(input, best, descended(input, gram, *start, sweeps));
    if (!offered) return offered.error();
  }
  std::vector<Proposal> proposals;
  proposals.push_back(*std::move(best));
  return proposals;
}

std::size_t candidates_of(const Options& options) {
  return static_cast<std::size_t>(plan_of(options.effort).steps) + 1;
}

}  // namespace

namespace method {
extern const Method best;
const Method best{.name = "best",
                  .summary = "searched steps, descent, and descents from other starts, as far as the effort goes",
                  .needs_gram = true,
                  .fits_steps = true,
                  .propose = propose,
                  .options = {"effort"},
                  .candidates = candidates_of};
}  // namespace method

}  // namespace hallmark
