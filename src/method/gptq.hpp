// GPTQ of one tensor, guarded: H = 2 G + lambda I = U D U^T, the recurrence, and row by row the better of it and RTN.
#pragma once

#include <optional>
#include <string_view>

#include "method/quantized.hpp"

namespace hallmark {

class Backend;  // backend.hpp

/// Codes of W [rows, cols] for the Gram matrix G [cols, cols] of its inputs (symmetric, finite). lambda =
/// options.damp_percent * mean(diag(2 G)). Columns with G_jj = 0 are rounded to nearest: by the arithmetic itself when
/// lambda > 0, left out of the factorization when lambda = 0. With options.guard, loss_final <= loss_rtn on every row
/// (T6), and every loss is enclosed (by infinities in rows with equal codes, where the diagonal of H is beyond the
/// range of T15). Peak memory beside W and G: 8 cols^2 bytes for the factor, 6 for its packed copies (2 where nobody
/// needs losses in binary64), 4 rows cols for codes. tokens, when known, is named where H is not positive definite;
/// tensor_name in every error of this function. The observer, when given, sees the work (evidence.hpp); without the
/// guard the losses are enclosed for it all the same. Errors: those of checked_scales; E0322 G of another shape, not
/// finite, or not symmetric (by index), E0323 a negative diagonal or a dead column with entries; E0501 not positive
/// definite; E0503 overflow in H or in the recurrence; those of the backend, when given: what computes the same bits
/// instead of the CPU.
Expected<Quantized> quantize_gptq(MatrixRef<float> W, MatrixRef<double> G, const Options& options,
                                  const std::optional<Matrix<float>>& given_scales = std::nullopt,
                                  std::string_view tensor_name = "the tensor",
                                  std::optional<Index> tokens = std::nullopt, Observer* observer = nullptr,
                                  Backend* backend = nullptr);

/// The columns in processing order: act-order sorts by descending diagonal, stable, and dead columns (G_jj = 0) are
/// left out when lambda = 0.
std::vector<Index> processing_order(MatrixRef<double> G, double lambda, bool desc_act);

}  // namespace hallmark
