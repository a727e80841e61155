// The picture of a study: rows of dots on one logarithmic axis.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "measure/svg.hpp"
#include "study/results.hpp"

namespace hallmark {

/// A row of the picture: of each series the values of the checkpoints, or none.
struct DotRow {
  std::string label;
  std::array<BySeed, svg::colours.size()> series;
};

/// Of every row and series a mark at the mean, and a line from the least to the greatest of its values. Means that are
/// not above 0 have no place on the axis: a mark without filling stands at its left end. The text depends on the
/// arguments alone. Precondition: as many names as series, at most three.
std::string dots_svg(std::string_view title, std::string_view axis, const std::vector<std::string>& series,
                     const std::vector<DotRow>& rows);

}  // namespace hallmark
