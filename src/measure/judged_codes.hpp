// What is known of the codes of a tensor, whatever made them: what they lose, and what they take to store.
#pragma once

#include <string>

#include "artifact/quantized_model.hpp"
#include "base/error.hpp"
#include "linalg/matrix.hpp"
#include "measure/grams.hpp"
#include "method/quantized.hpp"

namespace hallmark {

/// The upper end of loss_G of the codes, over all rows, each addition rounded up. Errors: those of LossVerifier.
Expected<double> certified_loss(const Matrix<float>& W, const SiteGram& gram, const Options& options,
                                const Quantized& quantized, const std::string& name);

/// Sums over the tensors of a model, in bits: codes at the width of their grid, in the bytes of a container, and at
/// their order-0 entropy, each with the steps.
struct CodeBits {
  double weights = 0, stored = 0, container = 0, entropy = 0;
  void add(const std::string& name, const Matrix<float>& W, const Options& options, const Matrix<Code>& codes);
};

}  // namespace hallmark
