// Muon for the matrices of the blocks, AdamW for embeddings, tables and scalars, and the mean of the weights (running,
// or of snapshots), which is what a checkpoint holds.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "network.hpp"
#include "recipe.hpp"

namespace hallmark::trainer {

class Optimizer {
 public:
  Optimizer(Parameters& parameters, const Recipe& recipe);

  /// One step (from 0) from the gradients at hand, which are consumed; a weight without one stays. Then the mean
  /// follows: the running one, or that of the snapshots so far; before the first of these it is the weights.
  void step(std::int64_t index);

  /// The mean of the weights, by name.
  const Parameters& mean() const { return mean_; }

  /// Everything that a training which goes on from here has to restore, by name: views, to read or to overwrite.
  Parameters state() const;
  std::int64_t snapshots() const { return snapshots_; }
  void restore_snapshots(std::int64_t count) { snapshots_ = count; }

 private:
  struct Entry {
    std::string name;
    torch::Tensor weight, mean, first, second;
    bool muon;
    double rate;
  };
  using Group = std::vector<Entry*>;
  void muon(const Group& group, double multiplier, double momentum);
  void adam(Entry& entry, double multiplier, std::int64_t index);
  void follow(std::int64_t index);

  const Recipe recipe_;
  std::vector<Entry> entries_;
  Parameters mean_;
  std::int64_t snapshots_ = 0;
};

}  // namespace hallmark::trainer
