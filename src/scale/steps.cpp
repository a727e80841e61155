#include "scale/steps.hpp"

#include <cmath>

#include "format/trellis.hpp"

namespace hallmark {

Steps Steps::rows(Index first, Index count) const {
  Steps part{scales.middleRows(first, count), {}, group_size};
  if (zeros.size() != 0) part.zeros = zeros.middleRows(first, count);
  if (rotation.any())
    part.rotation = {rotation.signs, {rotation.rows.begin() + first, rotation.rows.begin() + first + count}};
  if (low_rank.any()) part.low_rank = {low_rank.A.middleRows(first, count), low_rank.B};
  return part;
}

void Steps::take_row(Index i, const Steps& from) {
  scales.row(i) = from.scales.row(i);
  if (zeros.size() != 0) zeros.row(i) = from.zeros.row(i);
  if (rotation.any()) rotation.rows[static_cast<std::size_t>(i)] = from.rotation.of_row(i);
  if (low_rank.any() && from.low_rank.any()) low_rank.A.row(i) = from.low_rank.A.row(i);
  else if (low_rank.any()) low_rank.A.row(i).setZero();
}

bool Steps::same_row(Index i, const Steps& other) const {
  if (this == &other) return true;
  const bool corrected = low_rank.of_row(i);
  if (corrected != other.low_rank.of_row(i)) return false;
  if (corrected && !(low_rank.A.row(i).array() == other.low_rank.A.row(i).array()).all()) return false;
  return (scales.row(i).array() == other.scales.row(i).array()).all() &&
         rotation.of_row(i) == other.rotation.of_row(i) &&
         (zeros.size() == 0 || (zeros.row(i).array() == other.zeros.row(i).array()).all());
}

void decode_row(const Grid& grid, const Steps& steps, std::span<const Code> codes, Index i, std::span<float> out) {
  const bool rotated = steps.rotation.of_row(i), windowed = rotated && grid.spec().windowed;
  unsigned window = 0;
  for (std::size_t j = 0; j < codes.size(); ++j) {
    const Step step = steps.at(i, static_cast<Index>(j));
    window = trellis::next(window, codes[j], grid.spec().bits);
    const auto point = static_cast<float>(windowed ? trellis::value(window) : grid.value(codes[j], step.zero));
    out[j] = rotated ? point : static_cast<float>(step.scale) * point;
  }
  if (rotated) {
    rotate_back(out, steps.rotation.signs);
    for (std::size_t j = 0; j < codes.size(); ++j) out[j] *= steps.scale(i, static_cast<Index>(j));
  }
  correct_row(steps.low_rank, i, out);
}

void correct_row(const LowRank& correction, Index i, std::span<float> x) {
  if (!correction.of_row(i)) return;
  for (Index k = 0; k < correction.B.rows(); ++k)
    for (std::size_t j = 0; j < x.size(); ++j)
      x[j] = std::fma(correction.A(i, k), correction.B(k, static_cast<Index>(j)), x[j]);
}

}  // namespace hallmark
