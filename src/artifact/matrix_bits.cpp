#include "artifact/matrix_bits.hpp"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace hallmark {

MatrixBits bits_of(const QuantizedMatrix& matrix) {
  const GridSpec& grid = matrix.options.grid.spec();
  const auto rows = static_cast<double>(matrix.rows), count = rows * static_cast<double>(matrix.cols);
  const double steps =
      rows * static_cast<double>(groups_of(static_cast<Index>(matrix.cols), matrix.options.group_size));
  const int step_bits = (matrix.options.scale_storage == ScaleStorage::f32 ? 32 : 16) + (grid.zero_points ? 8 : 0);
  const double marks = matrix.options.rotation == no_rotation ? 0 : 8 * rows;  // of rotated rows
  return {count * grid.bits, count * (grid.code_dtype() == "U16" ? 16 : 8), steps * step_bits + marks};
}

double entropy_of(const Matrix<Code>& codes) {
  std::vector<std::int64_t> count(std::size_t{1} << 16);
  for (const Code code : std::span(codes.data(), static_cast<std::size_t>(codes.size()))) ++count[code];
  double bits = 0;
  for (const std::int64_t n : count)
    if (n > 0) bits -= static_cast<double>(n) * std::log2(static_cast<double>(n) / static_cast<double>(codes.size()));
  return bits / static_cast<double>(codes.size());
}

}  // namespace hallmark
