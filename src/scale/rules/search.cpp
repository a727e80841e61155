#include "scale/ratios.hpp"
#include "scale/scale_rule.hpp"

namespace hallmark::rules {

extern const ScaleRule search;
const ScaleRule search{
    "search", [](const GridSpec& grid) { return grid.kind != GridSpec::Kind::golden; }, Statistic::losses,
    [](const ScaleInput& input) -> Expected<Steps> {
      const Expected<Steps> first = steps_for(input.grid, default_scale_rule(input.grid), input.storage, input.w,
                                              input.rows, input.cols, input.group_size);
      if (!first) return first.error();
      return (*input.best)(multiples(*first, input.ratios, input.grid, input.storage));
    }};

}  // namespace hallmark::rules
