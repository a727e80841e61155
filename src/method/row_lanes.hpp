// Rows turned into lanes, [position][kLanes<float>], as the kernels that pass many rows at once read them.
#pragma once

#include <span>
#include <vector>

#include "method/recurrence.hpp"
#include "linalg/round_lanes.hpp"

namespace hallmark {

/// The numbers of the given rows [rows, cols], where some rows of the tensor are rotated or corrected; else nothing.
std::vector<float> decoded_rows(const Target& target, const Matrix<Code>& codes, std::span<const Index> rows);

/// e = fl(w - q) of the given rows, q = s g or in a rotated or corrected row that of decode_row, (at most
/// kLanes<float>) in the target's order; zeros in the lanes beyond them and up to `positions`.
void load_errors(const Target& target, const LaneRounder& rounder, const Matrix<Code>& codes,
                 std::span<const Index> rows, Index positions, float* e);

}  // namespace hallmark
