#include <algorithm>
#include <cmath>

#include "format/codec_lanes.hpp"
#include "scale/scale_rule.hpp"

namespace hallmark::rules {

// The binary64 quotient is as good as the exact one here: m and the divisor have at most 24 and 13 bits, so an inexact
// quotient differs from every number of 11 bits by more than 2^-40 of itself, and rounding cannot carry it across one.
extern const ScaleRule absmax;
const ScaleRule absmax{"absmax",
                       [](const GridSpec& grid) { return grid.kind != GridSpec::Kind::golden && !grid.zero_points; },
                       Statistic::none,
                       [](const ScaleInput& input) -> Expected<Steps> {
                         const GridSpec& grid = input.grid.spec();
                         return per_group(input, [&](std::span<const float> w) {
                           const float m = largest_magnitude(w);
                           if (m == 0) return Step(1);
                           const bool mirrored = grid.either_sign && std::find(w.begin(), w.end(), -m) == w.end();
                           return Step((mirrored ? -1 : 1) * (m / grid.largest));
                         });
                       }};

}  // namespace hallmark::rules
