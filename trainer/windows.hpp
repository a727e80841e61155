// Which windows of the train text a training reads, and in what order. Nothing but recipe, seed and text decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "recipe.hpp"
#include "replay/calibration.hpp"

namespace hallmark::trainer {

/// Shares of the buckets, 0 the easiest, at progress p: w_b = max((1 - d)(1 - p) + d p, floor), d = b / (buckets - 1),
/// divided by their sum. Preconditions: at least two buckets, p in 0..1.
std::vector<double> bucket_shares(std::size_t buckets, double floor, double progress);

/// Windows in `buckets` parts of nearly equal size by what they cost, the cheapest first; of equal ones the first
/// first.
std::vector<std::vector<std::size_t>> cost_buckets(const std::vector<double>& costs, std::size_t buckets);

/// random: every place of the text alike, with repetition. The others cut the text into windows side by side. coprime:
/// turn e visits window (start_e + k stride_e) mod n, k = 0 .. n - 1, for a stride that is coprime to n: each window
/// once in a turn. curriculum: a bucket by its share at that step's progress, then one of its windows.
class WindowOrder {
 public:
  /// `costs`: of the windows side by side, for a curriculum alone. Errors: E0392 fewer windows than a batch (coprime)
  /// or than buckets, or no place.
  static Expected<WindowOrder> create(const Recipe& recipe, std::size_t text_size, std::uint64_t seed,
                                      const std::vector<double>& costs);

  /// Offsets of the windows of a step. Steps are asked for in order, each once, those that replay left out.
  std::vector<std::size_t> batch(std::int64_t step);
  /// What a training that goes on from here has to restore.
  std::uint64_t state() const { return generator_.state(); }
  void restore(std::uint64_t state) { generator_ = SplitMix64(state); }

  /// Windows side by side in a text of so many tokens; each needs one more, which it predicts.
  static std::size_t side_by_side(std::size_t text_size, Index window);

 private:
  WindowOrder(const Recipe& recipe, std::size_t text_size, std::uint64_t seed)
      : recipe_(recipe), text_size_(text_size), seed_(seed), generator_(seed) {}
  std::size_t place(std::int64_t step, std::size_t i);
  std::size_t coprime_window(std::uint64_t k) const;

  Recipe recipe_;
  std::size_t text_size_;
  std::uint64_t seed_;
  SplitMix64 generator_;
  std::vector<std::vector<std::size_t>> buckets_;
};

}  // namespace hallmark::trainer
