// A quantized model as an ordinary one: scale times grid point for every code, in safetensors with the names, shapes,
// order and metadata of W. In binary32 and binary64 these are the certified numbers themselves.
#pragma once

#include <cstdint>

#include "artifact/file_format.hpp"

namespace hallmark {

/// What a dtype did to the products s g.
struct Rounding {
  std::uint64_t numbers = 0;  ///< products written
  std::uint64_t inexact = 0;  ///< of them those that the dtype does not hold: rounded
  std::uint64_t to_zero = 0;  ///< of these those that became 0
};

/// Whether every s g is a number of binary32. Errors: E0433.
Status exact_in_binary32(const QuantizedModel& model);

/// s g of every code as F32 (precondition: exact_in_binary32) or F64, unchanged; as BF16 or F16 rounded once to
/// nearest, ties to even. Tensors that pass through keep their dtype. The output appears whole or not at all. Errors:
/// E0437 a product beyond the largest number of the dtype; those of the model and of SafeTensorsWriter.
Expected<Rounding> write_dequantized(const QuantizedModel& model, DType dtype, const Destination& to);

}  // namespace hallmark
