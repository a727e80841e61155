// A replay model quantized in the order of its layers: each weight for what it does in the unquantized model, on the
// inputs that it has behind the layers quantized before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "linalg/matrix.hpp"
#include "linalg/target_grams.hpp"
#include "measure/grams.hpp"
#include "replay/model.hpp"
#include "replay/text.hpp"

namespace hallmark {

/// One pass of both models over the windows for the inputs of site `site` (activation_sites): X in `model`, X~ in
/// `quantized`, which has its sizes. Errors: those of capture_side_by_side and TargetAccumulator.
Expected<TargetGrams> capture_target(const Model& model, const Model& quantized, const TrainSplit& train,
                                     std::span<const std::uint64_t> offsets, std::size_t site);

/// Quantizes the weight `name` for a target; gives what its codes stand for, of the same shape.
using QuantizeFor = std::function<Expected<Matrix<float>>(const std::string& name, const TargetGrams& target)>;

/// Asks `quantize` for every matrix of the model once, and gives the quantized model. First come the tables and the
/// tied embedding, which text meets as a lookup: for H = C = K, their Gram matrices in `grams`, which are those of
/// `model` over the windows. Then the sites of the forward pass in order, each captured behind all that was quantized
/// before; weights of one site share the matrices. Errors: those of capture_target, of `quantize` and of with_weights.
Expected<Model> quantize_in_order(const Model& model, const Grams& grams, const TrainSplit& train,
                                  std::span<const std::uint64_t> offsets, const QuantizeFor& quantize);

}  // namespace hallmark
