// What the losses by T1 need of a row, summed over the columns (increasing) in binary64.
#pragma once

#include <array>

#include "linalg/strip.hpp"

namespace hallmark {

/// What the losses need of H beside U, in processing order.
struct LossWeights {
  Vector<double> d;       ///< pivots
  Vector<double> root;    ///< sqrt(H_jj), rounded
  Vector<double> excess;  ///< H_jj - 2 G_jj, rounded
};

/// With the errors e and their product t = e U:
struct LossSums {
  double squares = 0;  ///< sum d_j t_j^2
  double size = 0;     ///< A = sum |e_j| sqrt(H_jj)
  double excess = 0;   ///< sum (H_jj - 2 G_jj) e_j^2
};

/// The sums of kLanes<float> rows whose e and t are binary32.
class LossLanes {
 public:
  /// Adds columns [begin, begin + columns), columns <= kStrip; e and t: [column][kLanes<float>]. For each column d, e
  /// and t: squares = fma(fl(d t), t, squares), size = fma(|e|, root, size), excess = fma(fl(excess_j |e|), |e|,
  /// excess).
  void add(const LossWeights& weights, Index begin, Index columns, const float* e, const float* t);

  /// The plain twin.
  void add_ref(const LossWeights& weights, Index begin, Index columns, const float* e, const float* t);

  LossSums row(Index r) const {
    const auto i = static_cast<std::size_t>(r);
    return {squares_[i], size_[i], excess_[i]};
  }

 private:
  using Lanes = std::array<double, static_cast<std::size_t>(kLanes<float>)>;
  alignas(64) Lanes squares_{}, size_{}, excess_{};
};

}  // namespace hallmark
