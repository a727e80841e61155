#include "scale/candidates.hpp"

namespace hallmark::rules {

extern const ScaleRule mse;
const ScaleRule mse{"mse", takes_shrunken, Statistic::none,
                    [](const ScaleInput& input) -> Expected<Steps> { return best_of(input, shrunken_steps); }};

}  // namespace hallmark::rules
