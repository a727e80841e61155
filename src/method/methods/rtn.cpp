// Round to nearest, the method that needs no calibration.
#include "method/rtn.hpp"

namespace hallmark::method {

extern const Method rtn;
const Method rtn{"rtn", "every weight to the nearest point", false, false,
                 [](const MethodInput& input) -> Expected<std::vector<Proposal>> {
                   const Target& target = input.target;
                   std::vector<Proposal> proposals;
                   proposals.push_back({round_to_nearest(target.W, target.grid, target.steps)});
                   return proposals;
                 }};

}  // namespace hallmark::method
