// Hard-batch replay: of the batches since the last replay those with the highest loss, to be trained on once more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "recipe.hpp"

namespace hallmark::trainer {

class HardBatches {
 public:
  struct Batch {
    double loss;
    std::vector<std::size_t> places;  ///< of its windows in the train text
  };
  explicit HardBatches(const Recipe& recipe) : recipe_(recipe) {}

  /// A batch of the order, trained on. Kept while fewer than recipe.hard.keep had a loss at least as high.
  void saw(double loss, std::vector<std::size_t> places);

  /// The hardest that is left, which is no longer kept; of equal ones the first seen. Precondition: a step that
  /// replays, by a training that asked in every such step and called saw() in the others.
  Batch take();

  /// What a training that goes on from here has to restore, as JSON.
  std::string state() const;
  /// False, and nothing is restored, unless the text is the state of a training after `done` steps of this recipe with
  /// places up to `last_place`.
  bool restore(const std::string& text, std::int64_t done, std::size_t last_place);

 private:
  Recipe recipe_;
  std::vector<Batch> batches_;  // the hardest first
};

}  // namespace hallmark::trainer
