#include "scale/candidates.hpp"
#include "scale/deviation.hpp"

namespace hallmark::rules {

extern const ScaleRule sdclip;
const ScaleRule sdclip{"sdclip", takes_scales_alone, Statistic::none,
                       [](const ScaleInput& input) -> Expected<Steps> { return clipped_at_deviations(input); }};

}  // namespace hallmark::rules
