// How a text is scored: by windows with any stride, every byte but the first once.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "replay/model.hpp"

namespace hallmark {

/// Window i reads inputs i stride .. i stride + window - 1, or fewer at the end of the text. The first scores all its
/// positions, each later one those behind the first window - stride, which the windows before it have scored.
struct Windows {
  Index window = 256;
  Index stride = 256;  ///< 1..window; equal to window: no byte is read twice
};

/// Called with the bytes that are scored and all there are, never by two threads at a time.
using ScoringProgress = std::function<void(std::size_t scored, std::size_t all)>;

/// Entry t is -ln p(text[t + 1] | what its window reads up to text[t]): text.size() - 1 numbers, for t >= window each
/// after at least window - stride + 1 bytes of context. Bytes after t + 1 do not change it.
/// Errors: E0392 fewer than two bytes, or no window; E0227 a stride outside 1..window.
Expected<std::vector<double>> byte_scores(const Model& model, std::span<const std::byte> text, const Windows& windows,
                                          const ScoringProgress& progress = {});

/// sum_t scores[t] / (ln 2 * size): the scores of one window are added in order, then the windows' sums.
/// Precondition: scores of these windows. Errors: E0510 the result is not finite.
Expected<double> mean_bits(std::span<const double> scores, const Windows& windows);

}  // namespace hallmark
