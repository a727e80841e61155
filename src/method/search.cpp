#include "method/search.hpp"

#include "base/error_numbers.hpp"
#include "method/gptq.hpp"
#include "method/rtn.hpp"

namespace hallmark {

Expected<Steps> best_steps(const MethodInput& input, const LossModel& model, const FirstStage& stage,
                           std::vector<Steps> candidates) {
  const Target& target = input.target;
  std::optional<Proposal> best;
  const auto offer = [&](Proposal next) -> Status {
    std::vector<Proposal> two;
    if (best) two.push_back(*std::move(best));
    two.push_back(std::move(next));
    Expected<Proposal> better = select(model, *input.G, target, std::move(two), stage, input.compute);
    if (!better) return better.error();
    best = *std::move(better);
    return ok();
  };
  for (const Steps& steps : candidates) {
    Expected<Proposal> proposal = gptq_proposal(input, {target.W, target.grid, steps, target.order});
    if (!proposal && best && proposal.error().number == error_number::gptq_overflow) continue;
    if (!proposal) return proposal.error();
    proposal->steps = steps;
    if (const Status offered = offer(*std::move(proposal)); !offered) return offered.error();
  }
  const Status offered = offer({round_to_nearest(target.W, target.grid, candidates.front()), candidates.front()});
  if (!offered) return offered.error();
  return *std::move(best->steps);
}

}  // namespace hallmark
