// The steps of a tensor: a scale and, where the grid has them, a zero point for each row and group of columns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "format/grid.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// Groups of columns per row: ceil(cols / group_size), and 1 for group_size 0. Total for cols, group_size >= 0.
constexpr std::ptrdiff_t groups_of(std::ptrdiff_t cols, std::ptrdiff_t group_size) {
  return group_size == 0 ? 1 : cols / group_size + (cols % group_size != 0);
}

/// Column j belongs to group j / group_size, or to the only one where group_size is 0: q_ij = s value(code_ij, z).
struct Steps {
  Matrix<float> scales;             ///< [rows, groups]
  Matrix<std::int16_t> zeros = {};  ///< [rows, groups], or empty where all are 0
  Index group_size = 0;

  Index group(Index j) const { return group_size == 0 ? 0 : j / group_size; }
  float scale(Index i, Index j) const { return scales(i, group(j)); }
  int zero(Index i, Index j) const { return zeros.size() == 0 ? 0 : zeros(i, group(j)); }
  Step at(Index i, Index j) const { return {scale(i, j), zero(i, j)}; }
};

}  // namespace hallmark
