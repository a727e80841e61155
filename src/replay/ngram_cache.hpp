// What was just scored as a predictor of what comes: counts of the bytes seen so far, blended with a model.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hallmark {

/// The count model of count_model.hpp, with n and d counted in the bytes seen so far instead of the train split.
class NgramCache {
 public:
  static constexpr std::size_t order = 7;  ///< bytes of the longest context

  /// p(next | the bytes seen): over the 256 values of next the sum is 1.
  double probability(std::byte next) const;
  /// Bytes of the longest context, among those that end here, that had a successor before: 0..order.
  std::size_t known() const;
  /// Counts the byte that follows.
  void see(std::byte next);

 private:
  struct Tally {
    double total = 0;
    std::vector<std::pair<std::byte, double>> followed;  // each different successor, how often
  };
  const Tally* tally(std::size_t length) const;

  std::array<std::unordered_map<std::uint64_t, Tally>, order + 1> tallies_;  // by length; the key is the context
  std::uint64_t context_ = 0;
  std::size_t seen_ = 0;
};

/// (1 - a) p_model + a p_cache, where a is the mean share of the cache in what such bytes got so far: for each length k
/// of the known context, a_k = (1 + sum of a_k p_cache / p over the bytes scored with k) / (2 + their number).
/// a depends on no byte that is still to be scored, so the sum over all values is 1 where the model's is.
class CacheBlend {
 public:
  /// The probability of `next`, to which the model gives `model`.
  double probability(double model, std::byte next) const;
  /// Learns from a byte after it was scored.
  void scored(double model, std::byte next);
  /// Learns from a byte that is not scored.
  void see(std::byte next) { cache_.see(next); }

 private:
  double weight(std::size_t known) const { return (1 + shares_[known]) / (2 + bytes_[known]); }

  NgramCache cache_;
  std::array<double, NgramCache::order + 1> shares_{}, bytes_{};
};

/// The model's scores of a text (byte_scores) blended with the cache: -ln of the blend's probabilities, in order. Bytes
/// after t + 1 do not change entry t. Precondition: one byte more than scores.
std::vector<double> blended_scores(std::span<const std::byte> text, std::span<const double> scores);

}  // namespace hallmark
