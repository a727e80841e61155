// A scale rule of its own: rms, three root mean squares at the largest point. Weights beyond are clipped.
#include <cmath>

#include "scale/scale_rule.hpp"

namespace hallmark::rules {

extern const ScaleRule rms;
const ScaleRule rms{"rms", [](const GridSpec& grid) { return !grid.zero_points; }, Statistic::none,
                    [](const ScaleInput& input) -> Expected<Steps> {
                      return per_group(input, [&](std::span<const float> w) {
                        double squares = 0;
                        for (const double x : w) squares += x * x;
                        const double root = std::sqrt(squares / static_cast<double>(w.size()));
                        return Step(root == 0 ? 1 : 3 * root / input.grid.spec().largest);
                      });
                    }};

}  // namespace hallmark::rules
