// Rows turned into lanes, [position][kLanes<float>], as the kernels that pass many rows at once read them.
#pragma once

#include <span>

#include "method/recurrence.hpp"
#include "method/round_lanes.hpp"

namespace hallmark {

/// e = fl(w - s g) of the given rows (at most kLanes<float>) in the target's order; zeros in the lanes beyond them and
/// up to `positions`.
void load_errors(const Target& target, const LaneRounder& rounder, const Matrix<Code>& codes,
                 std::span<const Index> rows, Index positions, float* e);

}  // namespace hallmark
