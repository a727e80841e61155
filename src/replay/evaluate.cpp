#include "replay/evaluate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "base/error_numbers.hpp"
#include "replay/forward.hpp"

namespace hallmark {

std::size_t Windows::count(std::size_t positions) const {
  const auto length = static_cast<std::size_t>(window), step = static_cast<std::size_t>(stride);
  return positions <= length ? 1 : 1 + (positions - length + step - 1) / step;
}

// The positions that a window scores end with the last that it reads.
Windows::Place Windows::place(std::size_t i, std::size_t positions) const {
  const auto length = static_cast<std::size_t>(window), step = static_cast<std::size_t>(stride);
  const std::size_t begin = i * step;
  return {begin, std::min(begin + length, positions), i == 0 ? 0 : begin + length - step};
}

Status check_windows(std::span<const std::byte> text, const Windows& windows) {
  if (text.size() < 2 || windows.window < 1)
    return Error{Exit::input, error_number::text_short, "the text is too short to be evaluated",
                 std::to_string(text.size()) + " bytes, windows of " + std::to_string(windows.window),
                 "give at least two bytes, and windows of at least one"};
  if (windows.stride < 1 || windows.stride > windows.window)
    return Error{Exit::usage, error_number::option_range, "the stride is out of range",
                 "stride " + std::to_string(windows.stride) + ", windows of " + std::to_string(windows.window),
                 "give a stride from 1 to " + std::to_string(windows.window)};
  return ok();
}

void score_windows(const Forward& forward, std::span<const std::byte> text, const Windows& windows,
                   std::pair<std::size_t, std::size_t> range, std::span<double> scores,
                   const ScoringProgress& progress) {
  std::size_t scored = range.first < range.second ? windows.place(range.first, scores.size()).first_scored : 0;
#pragma omp parallel for schedule(dynamic)
  for (std::size_t i = range.first; i < range.second; ++i) {
    const Windows::Place place = windows.place(i, scores.size());
    const std::size_t length = place.end - place.begin;
    const auto own = scores.subspan(place.first_scored, place.end - place.first_scored);
    forward.scores(text.subspan(place.begin, length), text.subspan(place.begin + 1, length), own);
#pragma omp critical(hallmark_scored)
    {
      scored += own.size();
      if (progress) progress(scored, scores.size());
    }
  }
}

Expected<std::vector<double>> byte_scores(const Model& model, std::span<const std::byte> text, const Windows& windows,
                                          const ScoringProgress& progress) {
  if (auto valid = check_windows(text, windows); !valid) return valid.error();
  std::vector<double> scores(text.size() - 1);
  score_windows(Forward(model, windows.window), text, windows, {0, windows.count(scores.size())}, scores, progress);
  return scores;
}

Expected<double> mean_bits(std::span<const double> scores, const Windows& windows) {
  double total = 0;
  for (std::size_t i = 0; i < windows.count(scores.size()); ++i) {
    const Windows::Place place = windows.place(i, scores.size());
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

Expected<double> bits_per_token(const Model& model, std::span<const Index> tokens, Index window,
                                const ScoringProgress& progress) {
  if (tokens.size() < 2 || window < 1)
    return Error{Exit::input, error_number::text_short, "the text is too short to be evaluated",
                 std::to_string(tokens.size()) + " tokens, windows of " + std::to_string(window),
                 "give at least two tokens, and windows of at least one"};
  const Windows windows{window, window};
  const std::size_t positions = tokens.size() - 1;
  const Forward forward(model, window);
  std::vector<double> scores(positions);
  std::size_t scored = 0;
#pragma omp parallel for schedule(dynamic)
  for (std::size_t i = 0; i < windows.count(positions); ++i) {
    const Windows::Place place = windows.place(i, positions);
    const std::size_t length = place.end - place.begin;
    forward.scores(tokens.subspan(place.begin, length), tokens.subspan(place.begin + 1, length),
                   std::span(scores).subspan(place.begin, length));
#pragma omp critical(hallmark_scored)
    {
      scored += length;
      if (progress) progress(scored, positions);
    }
  }
  return mean_bits(scores, windows);
}

}  // namespace hallmark
