// What a code costs beside its error (T27): in column j of the recurrence the code of least
//
//   d_j (u_j - s g)^2 + mu R(g | sign of the point before)
//
// over all points g of the grid. R = -log2((n + 1) / (N + K)) from counts n of N codes in that context, K the codes of
// the grid: in units of 2^-16 by whole numbers, so that no library's logarithm decides a code.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "method/recurrence.hpp"

namespace hallmark {

/// The widest codes that a grid may have here: every column looks at each of them.
inline constexpr int kMostRatedBits = 8;

/// -log2(n / N) in units of 2^-16, 1 <= n <= N: the difference of two logarithms, each rounded down.
std::int64_t rate_units(std::uint64_t n, std::uint64_t N);

/// In what rows are searched: d over its mean, s times a power of 2 near the inverse of its root mean square, and mu in
/// these, `rate` times mean(d) mean(s^2), rows and groups of zeros left out. So no product leaves binary32.
struct RatedUnits {
  Vector<float> d;
  float unit;
  double mu;
  RatedUnits(const Target& target, const Vector<double>& pivots, double rate);
};

/// The codes of a grid, points increasing, and what each costs in each context.
class CodeRates {
 public:
  static constexpr std::size_t kContexts = 3;  ///< the point before is below 0; 0 or none; above 0
  static constexpr std::uint8_t context_after(double point) { return point < 0 ? 0 : point > 0 ? 2 : 1; }

  /// At most kMostRatedBits bits a code. Every code is free so far.
  explicit CodeRates(const Grid& grid);

  /// Costs of `mu` a bit by the counts of these codes, in the order of the target. Codes outside of it do not count.
  void count(const Target& target, const Matrix<Code>& codes, double mu);

  /// The code of least fl(fl(fl(d r) r) + cost), r = fl(unit u - unit s g), one rounding each, for kLanes<float> rows;
  /// nearest codes and then lower points take ties, so that without costs the nearest code is it: rounding is
  /// monotone. `unit` is a power of 2. The memory holds the signs of points. A u that is not finite leaves any code.
  void choose(float d, float unit, const RoundedColumn& column) const;

  /// The plain twin.
  void choose_ref(float d, float unit, const RoundedColumn& column) const;

  std::span<const std::int32_t> codes() const { return codes_; }  ///< as LaneRounder widens them
  std::span<const float> costs(std::size_t context) const { return costs_[context]; }
  /// What code k stands for under a zero point.
  float point(std::size_t k, int zero) const {
    return points_.empty() ? static_cast<float>(codes_[k] - zero) : points_[k];
  }

 private:
  const Grid& grid_;
  std::vector<std::int32_t> codes_;
  std::vector<float> points_;  // of a grid without zero points
  std::array<std::vector<float>, kContexts> costs_;
};

}  // namespace hallmark
