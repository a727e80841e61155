// Score first, train after: the model learns from each chunk of the text once all its bytes are scored.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "replay/evaluate.hpp"
#include "replay/model.hpp"

namespace hallmark {

/// SGD as published for this family (parameter-golf #549), with its 16 sequences in a chunk.
struct TestTimeTraining {
  std::size_t sequences = 16;  ///< windows of text in a chunk; a step takes all of them
  int epochs = 3;
  double rate = 0.002;  ///< of the first chunk; half a cosine takes it to 0 at the last
  double momentum = 0.9;
  double clip = 1;                                 ///< the largest length of the gradient in the trained weights
  std::function<bool(const std::string&)> trains;  ///< which weights; empty: all
};

/// byte_scores, where window i is read by the model as it is after training on every chunk before that of its first
/// scored position. Chunk c holds sequences * window positions; all of them are scored before the model sees them:
///   g = mean gradient of the chunk's sequences, times min(1, clip / (|g| + 1e-6));  v = momentum v + g;
///   w = w - rate (1 + cos(pi c / (chunks - 1))) / 2 * v, rounded to binary32;  v stays from chunk to chunk.
/// There is no training on the last chunk. Bytes after t + 1 do not change entry t. The same bits for any number of
/// threads. Errors: those of byte_scores; E0350 a weight is no longer finite (names step and learning rate).
Expected<std::vector<double>> trained_scores(const Model& model, std::span<const std::byte> text,
                                             const Windows& windows, const TestTimeTraining& training,
                                             const ScoringProgress& progress = {});

}  // namespace hallmark
