// Round to nearest, the method that needs no calibration.
#include "method/rtn.hpp"

namespace hallmark::method {

extern const Method rtn;
const Method rtn{"rtn", "every weight to the nearest point", false,
                 [](const MethodInput& input, Rounded& rounded) -> Expected<bool> {
                   const Target& target = input.target;
                   rounded = round_to_nearest(target.W, target.grid, target.steps);
                   return false;
                 }};

}  // namespace hallmark::method
