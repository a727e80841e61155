#include "format/codec_lanes.hpp"
#include "scale/scale_rule.hpp"

namespace hallmark::rules {

extern const ScaleRule matrix_max;
const ScaleRule matrix_max{
    "matrix-max", [](const GridSpec& grid) { return grid.kind == GridSpec::Kind::golden; }, Statistic::none,
    [](const ScaleInput& input) -> Expected<Steps> {
      const Steps largest = per_group(input, [](std::span<const float> w) { return Step(largest_magnitude(w)); });
      const float m = largest.scales.maxCoeff();
      return per_group(input, [m](auto) { return Step(m == 0 ? 1 : m); });
    }};

}  // namespace hallmark::rules
