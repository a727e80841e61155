// The contract two_of_four at the rows of a matrix, in a run and of codes that a file holds: of each aligned four
// numbers at most two are not 0.
#pragma once

#include <string_view>

#include "contracts/runtime/report.hpp"
#include "scale/steps.hpp"

namespace hallmark {

/// Evaluates the printed contract at the numbers s (code - z) of every row; codes [rows, cols] of the grid, no row
/// rotated. A last block of fewer than four columns is filled with zeros.
void judge_two_of_four(const Grid& grid, const Matrix<Code>& codes, const Steps& steps, std::string_view tensor,
                       contracts::Policy policy, contracts::Report& report);

}  // namespace hallmark
