// Coordinate descent from the codes of GPTQ.
#include "method/descent.hpp"

#include "method/gptq.hpp"

namespace hallmark {
namespace {

Expected<std::vector<Proposal>> propose(const MethodInput& input) {
  const RecurrenceSink nobody;
  std::vector<Proposal> proposals;
  Expected<Proposal> gptq = gptq_proposal(
      {input.target, input.G, input.U, input.name, input.options, input.compute, nobody, input.weights}, input.target);
  if (!gptq) return gptq.error();
  const Target& target = input.target;
  Descended descended = descend(target.W, target.grid, input.options.scale_storage, ScaledGram(*input.G),
                                gptq->rounded.codes, target.steps, input.options.sweeps);
  proposals.push_back(*std::move(gptq));
  proposals.push_back({{std::move(descended.codes), std::move(descended.clipped)}, std::move(descended.steps)});
  return proposals;
}

}  // namespace

namespace method {
extern const Method descent;
const Method descent{"descent", "GPTQ, then coordinate descent on the loss and the best scales for its codes", true,
                     propose};
}  // namespace method

}  // namespace hallmark
