#include "method/search.hpp"

#include "base/error_numbers.hpp"
#include "method/gptq.hpp"
#include "method/rtn.hpp"

namespace hallmark {

Status offer(const MethodInput& input, std::optional<Proposal>& best, Proposal next) {
  std::vector<Proposal> proposals;
  if (best) proposals.push_back(*std::move(best));
  proposals.push_back(std::move(next));
  Expected<Proposal> better = input.select(std::move(proposals));
  if (!better) return better.error();
  best = *std::move(better);
  return ok();
}

Expected<Proposal> search(const MethodInput& input, const std::vector<Steps>& candidates) {
  const Target& target = input.target;
  std::optional<Proposal> best;
  for (const Steps& steps : candidates) {
    Expected<Proposal> proposal = gptq_proposal(input, {target.W, target.grid, steps, target.order});
    if (!proposal && best && proposal.error().number == error_number::gptq_overflow) continue;
    if (!proposal) return proposal.error();
    proposal->steps = steps;
    if (const Status offered = offer(input, best, *std::move(proposal)); !offered) return offered.error();
  }
  const Status offered =
      offer(input, best, {round_to_nearest(target.W, target.grid, candidates.front()), candidates.front()});
  if (!offered) return offered.error();
  return *std::move(best);
}

}  // namespace hallmark
