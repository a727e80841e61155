#include <cmath>

#include "format/codec_lanes.hpp"
#include "scale/scale_rule.hpp"

namespace hallmark::rules {

extern const ScaleRule row_pow2;
const ScaleRule row_pow2{"row-pow2", [](const GridSpec& grid) { return grid.kind == GridSpec::Kind::golden; },
                         Statistic::none,
                         [](const ScaleInput& input) -> Expected<Steps> {
                           return per_group(input, [](std::span<const float> w) {
                             const float m = largest_magnitude(w);
                             return Step(m == 0 ? 1 : std::ldexp(1.0, std::ilogb(m)));
                           });
                         }};

}  // namespace hallmark::rules
