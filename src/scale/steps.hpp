// The steps of a tensor: what turns its codes into numbers. A scale and, where the grid has them, a zero point for each
// row and group of columns; which rows are rotated; and a correction of low rank.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scale/low_rank.hpp"
#include "scale/rotation.hpp"

namespace hallmark {

/// Groups of columns per row: ceil(cols / group_size), and 1 for group_size 0. Total for cols, group_size >= 0.
constexpr std::ptrdiff_t groups_of(std::ptrdiff_t cols, std::ptrdiff_t group_size) {
  return group_size == 0 ? 1 : cols / group_size + (cols % group_size != 0);
}

/// Column j belongs to group j / group_size, or to the only one where group_size is 0: p_ij = s value(code_ij, z), and
/// q = p, or q = p R in a rotated row, and what corrects it (decode_row).
struct Steps {
  Matrix<float> scales;             ///< [rows, groups]
  Matrix<std::int16_t> zeros = {};  ///< [rows, groups], or empty where all are 0
  Index group_size = 0;
  Rotation rotation = {};
  LowRank low_rank = {};

  Index group(Index j) const { return group_size == 0 ? 0 : j / group_size; }
  float scale(Index i, Index j) const { return scales(i, group(j)); }
  int zero(Index i, Index j) const { return zeros.size() == 0 ? 0 : zeros(i, group(j)); }
  Step at(Index i, Index j) const { return {scale(i, j), zero(i, j)}; }
  /// Whether every number of row i, or of any row, is its own scale times its own point.
  bool plain(Index i) const { return !rotation.of_row(i) && !low_rank.of_row(i); }
  bool plain() const { return !rotation.any() && !low_rank.any(); }
  /// The same without the correction.
  Steps uncorrected() const { return {scales, zeros, group_size, rotation}; }

  /// The steps of these rows.
  Steps rows(Index first, Index count) const;
  /// Row i becomes that of other steps of this shape, which have this correction's B or none.
  void take_row(Index i, const Steps& from);
  /// Whether equal codes of row i stand for the same numbers.
  bool same_row(Index i, const Steps& other) const;
};

/// The numbers q of row i, whose codes are given: out has as many entries. Exact where every product of scale and point
/// is (Grid::exact_in_binary32; of rotated rows exact_when_rotated).
void decode_row(const Grid& grid, const Steps& steps, std::span<const Code> codes, Index i, std::span<float> out);

}  // namespace hallmark
