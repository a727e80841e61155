#include <algorithm>

#include "scale/candidates.hpp"

namespace hallmark::rules {

// The zero point is fixed for the scale as it will be stored.
extern const ScaleRule minmax;
const ScaleRule minmax{"minmax", [](const GridSpec& grid) { return grid.zero_points; }, Statistic::none,
                       [](const ScaleInput& input) -> Expected<Steps> {
                         return per_group(input, [&](std::span<const float> w) {
                           const auto [low, high] = std::minmax_element(w.begin(), w.end());
                           const double from = std::min(*low, 0.0F), to = std::max(*high, 0.0F);
                           if (from == to) return Step(1);
                           return spanning_step(input.grid.spec(), input.storage, from, to);
                         });
                       }};

}  // namespace hallmark::rules
