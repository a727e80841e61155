// The gradient of the loss in every weight, in binary64, for training while a text is scored.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "linalg/matrix.hpp"
#include "replay/model.hpp"

namespace hallmark {

/// By name and in the shape of Model::weights().
using Gradients = std::map<std::string, Matrix<double>>;

/// The gradient of mean_t -ln p(window[t + 1] | window[0..t]) over all t of all windows, in every weight. The windows'
/// gradients are added in their order: the same bits for any number of threads and any vector width. Preconditions: at
/// least one window, and two bytes in each.
Gradients mean_gradients(const Model& model, std::span<const std::span<const std::byte>> windows);

}  // namespace hallmark
