// The Gram matrices of a checkpoint's weights, from text that the calibration may see.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "linalg/matrix.hpp"
#include "replay/model.hpp"
#include "replay/text.hpp"

namespace hallmark {

/// The Gram matrix of one activation site, G = X X^T [cols, cols], and the number of columns of X.
struct SiteGram {
  std::string site;
  Index tokens = 0;
  Matrix<double> G;
};

/// The Gram matrix of every 2-D weight, by the weight's name; weights of one site share one.
using Grams = std::map<std::string, std::shared_ptr<const SiteGram>>;

/// One pass of the unquantized model over the windows (a whole number of batches), and the Gram matrices as they stand
/// after each number of batches in `after` (increasing, the last is all of them): nested sums, so those after 16
/// batches are the bits of a run over 16. Those of tables (table_sites) are P^T P always. `batch_done` is called after
/// every batch. Errors: those of capture_activations and GramAccumulator.
Expected<std::vector<Grams>> capture_grams(const Model& model, const TrainSplit& train,
                                           std::span<const std::uint64_t> offsets, std::span<const std::int64_t> after,
                                           const std::function<void()>& batch_done);

/// SHA-256 over the sites in the order of their weights' names: site, a zero byte, cols and tokens (64-bit
/// little-endian), the entries row by row.
std::string gram_digest(const Grams& grams);

}  // namespace hallmark
