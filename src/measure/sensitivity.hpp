// What each matrix of a quantized model costs the model alone.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "artifact/quantized_model.hpp"
#include "replay/divergence.hpp"

namespace hallmark {

/// By the name of each matrix of `quantized`: the divergence of the model in which this matrix alone has the numbers
/// that its codes stand for. `before` holds the predictions of `model`, the one that was quantized; `measured` is
/// called after each matrix. Errors: E0433 a number that binary32 does not hold; those of QuantizedModel,
/// Model::with_weights and Divergence::of.
Expected<std::map<std::string, double>> damages_alone(const Model& model, const Divergence& before,
                                                      const QuantizedModel& quantized,
                                                      const std::function<void(const std::string& matrix)>& measured);

}  // namespace hallmark
