// The picture of a budget's choice, as SVG.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/pack_budget.hpp"

namespace hallmark {

/// What was made least against the bytes of the artifact: the least for all budgets as a curve, each candidate whole as
/// a point with its label, and what was written. The scale of the former is logarithmic; points of 0 are left out. The
/// text depends on the arguments alone. Precondition: a label for each candidate, and a frontier.
std::string budget_svg(const Budgeted& done, const std::vector<std::string>& labels, std::string_view counted);

}  // namespace hallmark
