#include "scale/scale_rule.hpp"

namespace hallmark::rules {

// Multiples of the step that the grid's default rule gives, of both signs where the grid takes them.
extern const ScaleRule search;
const ScaleRule search{
    "search",
    [](const GridSpec& grid) { return grid.kind != GridSpec::Kind::golden && !grid.zero_points; },
    Statistic::losses, [](const ScaleInput& input) -> Expected<Steps> {
      const Expected<Steps> first = steps_for(input.grid, "absmax", input.storage, input.w, input.rows, input.cols,
                                              input.group_size);
      if (!first) return first.error();
      std::vector<Steps> candidates;
      for (const double sign : {1.0, -1.0})
        for (const double ratio : input.ratios) {
          if (sign < 0 && !input.grid.spec().either_sign) continue;
          Steps steps = *first;
          bool usable = true;
          for (float& s : steps.scales.reshaped()) {
            s = round_up(sign * ratio * s, scale_precision(input.storage));
            usable = usable && input.grid.exact_in_binary32(s) && holds(input.storage, s);
          }
          if (usable) candidates.push_back(std::move(steps));
        }
      return (*input.best)(std::move(candidates));
    }};

}  // namespace hallmark::rules
