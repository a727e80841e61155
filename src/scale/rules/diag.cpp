#include "scale/candidates.hpp"

namespace hallmark::rules {

extern const ScaleRule diag;
const ScaleRule diag{"diag", takes_shrunken, Statistic::diagonal,
                     [](const ScaleInput& input) -> Expected<Steps> { return best_of(input, shrunken_steps); }};

}  // namespace hallmark::rules
