// One tensor from weights to codes: steps, the proposals of a method and of round-to-nearest, and row by row the best.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "method/asymmetric.hpp"
#include "method/backend.hpp"
#include "method/evidence.hpp"
#include "method/factored.hpp"

namespace hallmark {

/// W [rows, cols] and the Gram matrix G [cols, cols] of its inputs (symmetric, finite), if there is one.
struct Layer {
  std::string_view name;
  const MatrixRef<float>& W;
  const MatrixRef<double>* G = nullptr;
  std::optional<Index> tokens = std::nullopt;  ///< named where H is not positive definite
  /// The most that a token of G went through (T18): gram_roundings(tokens) where GramAccumulator summed them. At most
  /// 2^50. The contract gram_bound depends on it, nothing else.
  Index roundings = kSupposedRoundings;
  std::span<const float> signs = {};    ///< of the rotation, where one is asked for: Rotation::columns_of(cols)
  const FloatInputs* inputs = nullptr;  ///< where options.target is asymmetric; G is then H = X~ X~^T
};

/// Whether the method or the scale rule needs a Gram matrix. The codes are then judged by it, RTN's too.
bool reads_gram(const Options& options);

/// What ScaleStatistics::weights are for `diagonal` and `pivots`, empty for others; G is that of the factor.
std::vector<double> scale_weights(Statistic needed, MatrixRef<double> G, const Factored& factored);

/// Codes of the layer by options.method. Where nothing needs a Gram matrix none is read. With options.guard, loss_final
/// <= loss_rtn on every row (T6, T17), and every loss is enclosed (by infinities in rows with equal codes, where the
/// diagonal of H is beyond the range of T15). Peak memory beside W and G: 8 cols^2 bytes for the factor, 6 for its
/// packed copies (2 where nobody needs losses in binary64), 4 rows cols for codes. The observer, when given, sees the
/// work (evidence.hpp); without the guard the losses are enclosed for it all the same. Errors: those of checked_steps,
/// factor_hessian, the method and the backend, when given: what computes the same bits instead of the CPU; E0214 a
/// method, a scale rule or a target that needs what the layer does not have; E0232 a rotation that grid, steps or
/// method do not take; E0234 a target that the method does not take; those of refuse_inputs and AsymmetricTerm::target.
/// With a rotation the method works in the rotated basis, whose rows the observer is not shown, and where the guard is
/// on in that of the weights too; guard and losses are those of the weights, and round-to-nearest is not rotated. With
/// an asymmetric target the method rounds w*, whose rows are not shown either; losses are |w X - q X~|^2, and
/// round-to-nearest is that of w.
Expected<Quantized> quantize(const Layer& layer, const Options& options,
                             const std::optional<Steps>& given = std::nullopt, Observer* observer = nullptr,
                             Backend* backend = nullptr);

/// quantize by GPTQ, and by rounding to nearest, of matrices at hand.
inline Expected<Quantized> quantize_gptq(MatrixRef<float> W, MatrixRef<double> G, Options options,
                                         const std::optional<Steps>& given = std::nullopt,
                                         std::string_view name = "the tensor",
                                         std::optional<Index> tokens = std::nullopt, Observer* observer = nullptr,
                                         Backend* backend = nullptr) {
  options.method = "gptq";
  return quantize({name, W, &G, tokens}, options, given, observer, backend);
}
inline Expected<Quantized> quantize_rtn(MatrixRef<float> W, Options options,
                                        const std::optional<Steps>& given = std::nullopt,
                                        std::string_view name = "the tensor", Observer* observer = nullptr) {
  options.method = "rtn";
  return quantize({name, W}, options, given, observer);
}

}  // namespace hallmark
