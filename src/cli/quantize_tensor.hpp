// One tensor from its files to codes: what `quantize` writes and `verify` computes again.
#pragma once

#include <optional>

#include "cli/plan.hpp"
#include "quantize/quantized.hpp"

namespace hallmark::cli {

/// A quantized tensor with what it was quantized from, as the quantizer saw it.
struct QuantizedTensor {
  Matrix<float> W;                  ///< [rows, cols]
  std::optional<Matrix<double>> G;  ///< [cols, cols], stored or accumulated; none for RTN
  Options options;                  ///< as resolved: scale_rule is `given` where C holds a scale
  Quantized result;
};

/// Reads W and its calibration and quantizes. Errors: E0350; those of accumulate_gram, CalibrationFile and the quantizers.
Expected<QuantizedTensor> quantize_tensor(const PlannedTensor& tensor, const CalibrationFile* calibration, Options options);

}  // namespace hallmark::cli
