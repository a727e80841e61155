#include "scale/steps.hpp"

#include "format/trellis.hpp"

namespace hallmark {

Steps Steps::rows(Index first, Index count) const {
  Steps part{scales.middleRows(first, count), {}, group_size};
  if (zeros.size() != 0) part.zeros = zeros.middleRows(first, count);
  if (rotation.any())
    part.rotation = {rotation.signs, {rotation.rows.begin() + first, rotation.rows.begin() + first + count}};
  return part;
}

void Steps::take_row(Index i, const Steps& from) {
  scales.row(i) = from.scales.row(i);
  if (zeros.size() != 0) zeros.row(i) = from.zeros.row(i);
  if (rotation.any()) rotation.rows[static_cast<std::size_t>(i)] = from.rotation.of_row(i);
}

bool Steps::same_row(Index i, const Steps& other) const {
  if (this == &other) return true;
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
  if (!rotated) return;
  rotate_back(out, steps.rotation.signs);
  for (std::size_t j = 0; j < codes.size(); ++j) out[j] *= steps.scale(i, static_cast<Index>(j));
}

}  // namespace hallmark
