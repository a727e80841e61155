#include "method/gptq.hpp"

namespace hallmark::method {

extern const Method gptq;
const Method gptq{"gptq", "rounding with error feedback along the factor of the Hessian", true, false,
                  [](const MethodInput& input) -> Expected<std::vector<Proposal>> {
                    Expected<Proposal> proposal = gptq_proposal(input, input.target);
                    if (!proposal) return proposal.error();
                    std::vector<Proposal> proposals;
                    proposals.push_back(*std::move(proposal));
                    return proposals;
                  }};

}  // namespace hallmark::method
