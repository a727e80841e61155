#include "replay/evaluate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "base/error_numbers.hpp"
#include "replay/forward.hpp"

namespace hallmark {

namespace {

// The positions that window i scores end with the last that it reads.
struct Place {
  std::size_t begin, end, first_scored;
};

Place place_of(std::size_t i, const Windows& windows, std::size_t positions) {
  const auto window = static_cast<std::size_t>(windows.window), stride = static_cast<std::size_t>(windows.stride);
  const std::size_t begin = i * stride;
  return {begin, std::min(begin + window, positions), i == 0 ? 0 : begin + window - stride};
}

std::size_t windows_over(const Windows& windows, std::size_t positions) {
  const auto window = static_cast<std::size_t>(windows.window), stride = static_cast<std::size_t>(windows.stride);
  return positions <= window ? 1 : 1 + (positions - window + stride - 1) / stride;
}

}  // namespace

Expected<std::vector<double>> byte_scores(const Model& model, std::span<const std::byte> text, const Windows& windows,
                                          const ScoringProgress& progress) {
  if (text.size() < 2 || windows.window < 1)
    return Error{Exit::input, error_number::text_short, "the text is too short to be evaluated",
                 std::to_string(text.size()) + " bytes, windows of " + std::to_string(windows.window),
                 "give at least two bytes, and windows of at least one"};
  if (windows.stride < 1 || windows.stride > windows.window)
    return Error{Exit::usage, error_number::option_range, "the stride is out of range",
                 "stride " + std::to_string(windows.stride) + ", windows of " + std::to_string(windows.window),
                 "give a stride from 1 to " + std::to_string(windows.window)};
  const Forward forward(model, windows.window);
  std::vector<double> scores(text.size() - 1);
  const std::size_t count = windows_over(windows, scores.size());
  std::size_t scored = 0;
#pragma omp parallel for schedule(dynamic)
  for (std::size_t i = 0; i < count; ++i) {
    const Place place = place_of(i, windows, scores.size());
    const std::size_t length = place.end - place.begin;
    const auto own = std::span(scores).subspan(place.first_scored, place.end - place.first_scored);
    forward.scores(text.subspan(place.begin, length), text.subspan(place.begin + 1, length), own);
#pragma omp critical(hallmark_scored)
    {
      scored += own.size();
      if (progress) progress(scored, scores.size());
    }
  }
  return scores;
}

Expected<double> mean_bits(std::span<const double> scores, const Windows& windows) {
  double total = 0;
  for (std::size_t i = 0; i < windows_over(windows, scores.size()); ++i) {
    const Place place = place_of(i, windows, scores.size());
    double sum = 0;
    for (std::size_t t = place.first_scored; t < place.end; ++t) sum += scores[t];
    total += sum;
  }
  const double bits = total / std::numbers::ln2 / static_cast<double>(scores.size());
  if (!std::isfinite(bits))
    return Error{Exit::numeric, error_number::loss_not_finite, "the evaluation is not finite",
                 "bits per byte: " + std::to_string(bits), "check the model's weights"};
  return bits;
}

Expected<double> bits_per_byte(const Model& model, std::span<const std::byte> text, Index window) {
  const Windows windows{window, window};
  const auto scores = byte_scores(model, text, windows);
  if (!scores) return scores.error();
  return mean_bits(*scores, windows);
}

}  // namespace hallmark
