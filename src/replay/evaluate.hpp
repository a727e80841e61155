// How a text is scored: by windows with any stride, every byte but the first once.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "replay/model.hpp"

namespace hallmark {

class Forward;

/// Window i reads inputs i stride .. i stride + window - 1, or fewer at the end of the text. The first scores all its
/// positions, each later one those behind the first window - stride, which the windows before it have scored.
struct Windows {
  Index window = 256;
  Index stride = 256;  ///< 1..window; equal to window: no byte is read twice

  /// The positions that a window reads are begin..end - 1, and it scores those from first_scored on.
  struct Place {
    std::size_t begin, end, first_scored;
  };
  std::size_t count(std::size_t positions) const;
  Place place(std::size_t i, std::size_t positions) const;
};

/// Called with the bytes or tokens that are scored and all there are, never by two threads at a time.
using ScoringProgress = std::function<void(std::size_t scored, std::size_t all)>;

/// Entry t is -ln p(text[t + 1] | what its window reads up to text[t]): text.size() - 1 numbers, for t >= window each
/// after at least window - stride + 1 bytes of context. Bytes after t + 1 do not change it.
/// Errors: E0392 fewer than two bytes, or no window; E0227 a stride outside 1..window.
Expected<std::vector<double>> byte_scores(const Model& model, std::span<const std::byte> text, const Windows& windows,
                                          const ScoringProgress& progress = {});

/// What both ways of scoring ask of text and windows. Errors: those of byte_scores.
Status check_windows(std::span<const std::byte> text, const Windows& windows);

/// Writes the scores of windows range.first .. range.second - 1 to their places in `scores`, which has text.size() - 1.
void score_windows(const Forward& forward, std::span<const std::byte> text, const Windows& windows,
                   std::pair<std::size_t, std::size_t> range, std::span<double> scores,
                   const ScoringProgress& progress);

/// sum_t scores[t] / (ln 2 * size): the scores of one window are added in order, then the windows' sums.
/// Precondition: scores of these windows. Errors: E0510 the result is not finite.
Expected<double> mean_bits(std::span<const double> scores, const Windows& windows);

/// -sum_t log2 p(tokens[t + 1] | what its window reads up to tokens[t]) / (tokens.size() - 1), by windows of `window`
/// inputs that each start where the one before ended; their sums are added in order. Precondition: tokens below the
/// model's vocabulary. Errors: E0392 fewer than two tokens; E0510.
Expected<double> bits_per_token(const Model& model, std::span<const Index> tokens, Index window,
                                const ScoringProgress& progress = {});

}  // namespace hallmark
