// Greedy descent from the codes of GPTQ.
#include "method/greedy.hpp"

#include "method/gptq.hpp"

namespace hallmark {
namespace {

Expected<std::vector<Proposal>> propose(const MethodInput& input) {
  const Target& target = input.target;
  std::vector<Proposal> proposals;
  Expected<Proposal> gptq = gptq_proposal(input.unwatched(), target);
  if (!gptq) return gptq.error();
  proposals.push_back(*std::move(gptq));
  Descended end =
      descend_greedily(target.W, target.grid, input.options.scale_storage, *input.G, proposals.front().rounded.codes,
                       target.steps, input.options.sweeps, input.options.scale_rule != given_scales);
  proposals.push_back({std::move(end.rounded), std::move(end.steps)});
  return proposals;
}

}  // namespace

namespace method {
extern const Method greedy;
const Method greedy{.name = "greedy",
                    .summary = "GPTQ, then the change of one code that lowers the loss most, and the best scales",
                    .needs_gram = true,
                    .fits_steps = true,
                    .propose = propose,
                    .options = {"sweeps"}};
}  // namespace method

}  // namespace hallmark
