// Coordinate descent from the codes of GPTQ.
#include "method/descent.hpp"

#include "method/gptq.hpp"

namespace hallmark {
namespace {

Expected<std::vector<Proposal>> propose(const MethodInput& input) {
  std::vector<Proposal> proposals;
  Expected<Proposal> gptq = gptq_proposal(input.unwatched(), input.target);
  if (!gptq) return gptq.error();
  proposals.push_back(*std::move(gptq));
  proposals.push_back(descended(input, ScaledGram(*input.G), proposals.front(), input.options.sweeps));
  return proposals;
}

}  // namespace

namespace method {
extern const Method descent;
const Method descent{.name = "descent",
                     .summary = "GPTQ, then coordinate descent on the loss and the best scales for its codes",
                     .needs_gram = true,
                     .fits_steps = true,
                     .propose = propose,
                     .options = {"sweeps"}};
}  // namespace method

}  // namespace hallmark
