// Multiples of a rule's steps that a search tries.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "scale/steps.hpp"
#include "scale/storage.hpp"

namespace hallmark {

/// "1,0.95,0.9": at most 1000 numbers, above 0 and at most 4, the first of them 1: without it a search could lose to
/// the rule that it begins with. Errors: E0227.
Expected<std::vector<double>> parse_ratios(std::string_view text);

/// The steps times each of the ratios, then of their opposites where the grid takes either sign, in this order: scales
/// rounded up in magnitude as computed ones are, zero points as they were. Left out are steps with a scale that files
/// could not hold, or some product not exact in binary32.
std::vector<Steps> multiples(const Steps& steps, std::span<const double> ratios, const Grid& grid,
                             ScaleStorage storage);

/// 1, 0.95, .., 0.35.
inline constexpr std::string_view default_ratios = "1,0.95,0.9,0.85,0.8,0.75,0.7,0.65,0.6,0.55,0.5,0.45,0.4,0.35";

}  // namespace hallmark
