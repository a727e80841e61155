// Muon for the matrices of the blocks, AdamW for embeddings, tables and scalars, and the running mean (EMA) of the
// weights, which is what a checkpoint holds.
#pragma once

#include <torch/torch.h>

#include "network.hpp"
#include "recipe.hpp"

namespace hallmark::trainer {

class Optimizer {
 public:
  Optimizer(Parameters& parameters, const Recipe& recipe);

  /// One step (from 0) from the gradients at hand, which are consumed; then the running mean follows.
  void step(std::int64_t index);

  /// The running mean of the weights, by name.
  const Parameters& mean() const { return mean_; }

 private:
  struct Entry {
    torch::Tensor weight, mean, first, second;
    bool muon;
    double rate;
  };
  void muon(Entry& entry, double multiplier, double momentum);
  void adam(Entry& entry, double multiplier, std::int64_t index);

  const Recipe recipe_;
  std::vector<Entry> entries_;
  Parameters mean_;
};

/// Multiplier of the learning rates: linear warm-up, constant, linear warm-down to zero after the last step.
double schedule(const Recipe& recipe, std::int64_t index);

}  // namespace hallmark::trainer
