#include "format/codec_lanes.hpp"
#include "scale/candidates.hpp"

namespace hallmark::rules {

// The binary64 quotient is as good as the exact one here: m and the divisor have at most 24 and 13 bits, so an inexact
// quotient differs from every number of 11 bits by more than 2^-40 of itself, and rounding cannot carry it across one.
extern const ScaleRule absmax;
const ScaleRule absmax{"absmax", takes_scales_alone, Statistic::none, [](const ScaleInput& input) -> Expected<Steps> {
                         return per_group(input, [&](std::span<const float> w) {
                           const float m = largest_magnitude(w);
                           return Step(m == 0 ? 1 : scale_to_largest(input.grid.spec(), w, m));
                         });
                       }};

}  // namespace hallmark::rules
