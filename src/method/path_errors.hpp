// The errors of partial rows along the recurrence, for searches that keep several of them. A path is a choice of all
// codes before position p, with its errors e_k = w_k - s g_k; each lane holds one, of any row.
//
//   sums(p)[r] = sum_{k<p} e_k U_kp, one chain of fma from +0 over increasing k
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "method/upper_strips.hpp"

namespace hallmark {

class PathErrors {
 public:
  static constexpr Index kPaths = kLanes<float>;
  using Lanes = std::array<float, static_cast<std::size_t>(kPaths)>;
  using Parents = std::array<std::uint8_t, static_cast<std::size_t>(kPaths)>;

  /// U outlives this. No position is done.
  explicit PathErrors(const UpperStrips<float>& U);

  /// Those of position p, once all before it are done: p = 0, 1, .. in turn.
  const float* sums(Index p);
  /// Lane r goes on with the path of lane from[r]; p positions are done.
  void follow(Index p, const Parents& from);
  /// The errors at position p, after follow: p is done.
  void add(Index p, const Lanes& e);

 private:
  void forget();

  // Errors before the strip under work stay where they are until it is done: origin_ says whose they are.
  const UpperStrips<float>& U_;
  std::vector<float> e_;  // [position][kPaths]
  alignas(64) std::array<float, static_cast<std::size_t>(kStrip* kPaths)> sum_{};
  Parents origin_{};
};

}  // namespace hallmark
