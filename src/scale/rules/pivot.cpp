#include "scale/candidates.hpp"

namespace hallmark::rules {

extern const ScaleRule pivot;
const ScaleRule pivot{"pivot", takes_shrunken, Statistic::pivots,
                      [](const ScaleInput& input) -> Expected<Steps> { return best_of(input, shrunken_steps); }};

}  // namespace hallmark::rules
