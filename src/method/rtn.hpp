// Round to nearest: q_ij = nearest(w_ij) on the grid s_ij {g}, the quantizer that needs no calibration.
#pragma once

#include "method/quantized.hpp"

namespace hallmark {

struct Rounded {
  Matrix<Code> codes;
  std::vector<Index> clipped;  ///< per row
};

/// codes_ij = nearest(fl(w_ij + 0), s_ij): a weight of -0 is read as +0, as in a recurrence whose sum is empty.
/// W is finite, the scales [rows, groups] positive and finite.
Rounded round_to_nearest(MatrixRef<float> W, const Grid& grid, const Matrix<float>& scales, Index group_size);

/// Scales by the rule (or as given) and round_to_nearest. The observer sees the result. Errors: those of
/// checked_scales.
Expected<Quantized> quantize_rtn(MatrixRef<float> W, const Options& options,
                                 const std::optional<Matrix<float>>& given_scales = std::nullopt,
                                 std::string_view tensor_name = "the tensor", Observer* observer = nullptr);

/// s g for every code, in binary32: exact for the scales of every rule. For a given scale ask Grid::exact_in_binary32,
/// or take dequantize_f64.
Matrix<float> dequantize(const Matrix<Code>& codes, const Matrix<float>& scales, const Grid& grid, Index group_size);

/// s g for every code in binary64: always exact (24 + 13 bits).
Matrix<double> dequantize_f64(const Matrix<Code>& codes, const Matrix<float>& scales, const Grid& grid,
                              Index group_size);

}  // namespace hallmark
