#include "scale/scale_rule.hpp"

namespace hallmark::rules {

extern const ScaleRule unit;
const ScaleRule unit{
    "unit", [](const GridSpec&) { return true; }, Statistic::none,
    [](const ScaleInput& input) -> Expected<Steps> { return per_group(input, [](auto) { return Step(1); }); }};

}  // namespace hallmark::rules
