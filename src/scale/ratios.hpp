// Ratios of a rule's step that a search tries: "1,0.95,0.9".
#pragma once

#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

/// At most 1000 numbers, above 0 and at most 4, the first of them 1: without it a search could lose to the rule that it
/// begins with. Errors: E0227.
Expected<std::vector<double>> parse_ratios(std::string_view text);

/// 1, 0.95, .., 0.35.
inline constexpr std::string_view default_ratios = "1,0.95,0.9,0.85,0.8,0.75,0.7,0.65,0.6,0.55,0.5,0.45,0.4,0.35";

}  // namespace hallmark
