#include "scale/rules/rules.hpp"

namespace hallmark::rules {

const ScaleRule unit{"unit", [](const GridSpec&) { return true; },
                     [](const ScaleInput& input) { return per_group(input, [](auto) { return Step(1); }); }};

}  // namespace hallmark::rules
