// How many bits a quantized matrix takes.
#pragma once

#include "artifact/quantized_model.hpp"

namespace hallmark {

/// Bits of a matrix by its options: codes at the grid's own width; codes, and steps with the marks of rotated rows and
/// the factors of a correction, in the bytes of the tensors that a container written now has (rows fill whole bytes).
/// They depend on sizes and options alone.
struct MatrixBits {
  double codes = 0, container_codes = 0, steps = 0;
};
MatrixBits bits_of(const QuantizedMatrix& matrix);

/// The order-0 entropy: bits for each code, if every code had the length -log2 of its frequency among these.
double entropy_of(const Matrix<Code>& codes);

}  // namespace hallmark
