// The paired one-tailed t test that decides what three seeds can show.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

/// The level of every comparison: the ablation's two, and those of the league.
inline constexpr double significance_level = 0.25;

struct PairedTest {
  std::vector<double> differences;  ///< before - after, one per pair; positive means that the change helped
  double mean = 0;
  double deviation = 0;     ///< sample standard deviation of the differences, divisor n - 1
  bool degenerate = false;  ///< all differences equal: there is no t and no p
  std::optional<double> t, p;
  bool significant = false;  ///< p < 1/4; never when degenerate
  double smallest_mean = 0;  ///< a mean above this would have been significant at the deviation seen
};

/// H0: the mean of d_k = before_k - after_k is at most 0.   t = mean / sqrt(ss / (n (n - 1))), ss = sum (d_k - mean)^2;
/// p = P(T_{n-1} > t), by Boost.Math. The values are read as exact rationals: differences, mean and ss are exact, t is
/// rounded from them. For n = 3 `significant` is decided without p, in rationals, by T14 (p < 1/4 iff mean > 0 and
/// 9 mean^2 > ss), and p is checked against the closed form 1/2 - t / (2 sqrt(t^2 + 2)).
/// Shapes: before [n], after [n], n >= 2; units: any, the same for both.
/// Errors: E0371 sizes differ or n < 2, E0372 a value that is not finite, E0120 Boost and the closed form disagree.
Expected<PairedTest> paired_t_test(std::span<const double> before, std::span<const double> after);

/// Fewer checkpoints make no claim.
inline constexpr std::size_t seeds_of_a_claim = 3;

/// The test of the greater mean minus the smaller: in the direction that the values themselves have. Errors: those of
/// paired_t_test.
Expected<PairedTest> directed_t_test(std::span<const double> one, std::span<const double> other);

/// "shown (p = 0.031)", "not shown (p = 0.31)", or why there is no p.
std::string shown_words(const PairedTest& test);

/// P(T_2 > t) in closed form, without cancellation for large |t|.
double upper_tail_df2(double t);

}  // namespace hallmark
