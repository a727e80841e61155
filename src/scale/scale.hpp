// Scale rules: the factor s of each row or group of columns, fixed from the original weights before the first column.
//
//   unit        1
//   row-pow2    2^floor(log2 max|w_i|)          per row or group
//   matrix-max  max|W|                          the largest weight goes to +-1 (golden grids)
//   absmax      max|w_i| / max_value(grid)      per row or group, integers and codebooks: the largest weight is not
//   clipped given       the user's, not computed here
//
// A computed s is rounded up to 11 significant bits, so that s g has at most 24 bits and is exact in binary32; a row or
// group of zeros has s = 1.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "format/grid.hpp"

namespace hallmark {

enum class ScaleRule { unit, row_pow2, matrix_max, absmax, given };

/// unit, row-pow2, matrix-max, absmax, given. Errors: E0222 (usage).
Expected<ScaleRule> parse_scale_rule(std::string_view name);
std::string_view to_string(ScaleRule rule);

/// matrix-max for golden grids, absmax for integers and codebooks.
ScaleRule default_scale_rule(const Grid& grid);

/// The least binary32 number of at most 11 significant bits that is not below v > 0; infinity where there is none.
float round_up_11(double v);

/// Groups of columns per row: ceil(cols / group_size), and 1 for group_size 0. Total for cols, group_size >= 0.
constexpr std::ptrdiff_t groups_of(std::ptrdiff_t cols, std::ptrdiff_t group_size) {
  return group_size == 0 ? 1 : cols / group_size + (cols % group_size != 0);
}

/// Scales [rows, groups], row-major, of w [rows, cols], row-major; column j belongs to group j / group_size.
/// Every scale is positive and finite, and s g is exact in binary32 for every point g of the grid.
/// Errors: E0350 a weight is NaN or infinite (names row and column); E0420 empty matrix or negative group size; E0421
/// some s g would not be exact in binary32 (weights too large or too small for the rule); E0223 a rule that the grid
/// does not take, or `given`.
Expected<std::vector<float>> scales_for(const Grid& grid, ScaleRule rule, const float* w, std::ptrdiff_t rows,
                                        std::ptrdiff_t cols, std::ptrdiff_t group_size);

}  // namespace hallmark
