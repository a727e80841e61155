#include "artifact/matrix_bits.hpp"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "artifact/quantized_metadata.hpp"

namespace hallmark {

MatrixBits bits_of(const QuantizedMatrix& matrix) {
  MatrixBits bits;
  bits.codes = static_cast<double>(matrix.rows) * static_cast<double>(matrix.cols) * matrix.options.grid.spec().bits;
  const std::vector<TensorPlan> plan = detail::matrix_plan(matrix, true);
  for (const TensorPlan& tensor : plan)
    (&tensor == &plan.front() ? bits.container_codes : bits.steps) += 8 * static_cast<double>(*tensor_bytes(tensor));
  return bits;
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
