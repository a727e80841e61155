#include "measure/ttest.hpp"

#include <fmt/format.h>
#include <gmpxx.h>

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "base/error_numbers.hpp"

namespace hallmark {
namespace {

// Boost.Math and the closed form agree within this relative distance, or one of them is wrong.
constexpr double p_agreement = 1e-12;

mpq_class square(const mpq_class& x) { return x * x; }

}  // namespace

double upper_tail_df2(double t) {
  const double root = std::sqrt(t * t + 2);
  // 1/2 - t / (2 root) = (root - t) / (2 root), and root - t = 2 / (root + t).
  return t > 0 ? 1 / (root * (root + t)) : (root - t) / (2 * root);
}

Expected<PairedTest> paired_t_test(std::span<const double> before, std::span<const double> after) {
  const std::size_t n = before.size();
  if (after.size() != n || n < 2)
    return Error{Exit::input, error_number::sample_size, "a paired t test needs two samples of one size, at least 2",
                 fmt::format("{} and {} values", n, after.size()), "give one value per seed on both sides"};
  for (std::size_t k = 0; k < n; ++k)
    if (!std::isfinite(before[k]) || !std::isfinite(after[k]))
      return Error{Exit::input, error_number::sample_not_finite, "a value of the t test is not finite",
                   fmt::format("pair {}: {} and {}", k, before[k], after[k]), "see the cell that measured it"};

  PairedTest test;
  std::vector<mpq_class> difference(n);
  mpq_class mean = 0, ss = 0;
  for (std::size_t k = 0; k < n; ++k) {
    difference[k] = mpq_class(before[k]) - mpq_class(after[k]);
    test.differences.push_back(before[k] - after[k]);
    mean += difference[k];
  }
  mean /= n;
  for (const auto& d : difference) ss += square(d - mean);

  const auto count = static_cast<double>(n);
  test.mean = mean.get_d();
  test.deviation = std::sqrt(mpq_class(ss / (n - 1)).get_d());
  test.degenerate = ss == 0;
  if (test.degenerate) return test;

  const boost::math::students_t_distribution<double> students_t(count - 1);
  const double magnitude = std::sqrt(mpq_class(square(mean) * n * (n - 1) / ss).get_d());
  test.t = mean < 0 ? -magnitude : magnitude;
  test.p = boost::math::cdf(boost::math::complement(students_t, *test.t));
  test.smallest_mean = boost::math::quantile(boost::math::complement(students_t, significance_level)) * test.deviation /
                       std::sqrt(count);
  if (n == 3) {
    const double closed = upper_tail_df2(*test.t);
    if (!(std::abs(*test.p - closed) <= p_agreement * closed))
      return Error{Exit::internal, error_number::p_disagrees, "Boost.Math and the closed form of p disagree",
                   fmt::format("t {}: {} and {}", *test.t, *test.p, closed), "report this"};
    test.significant = mean > 0 && 9 * square(mean) > ss;  // T14
  } else {
    test.significant = *test.p < significance_level;
  }
  return test;
}

Expected<PairedTest> directed_t_test(std::span<const double> one, std::span<const double> other) {
  const auto sum = [](std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); };
  return sum(one) < sum(other) ? paired_t_test(other, one) : paired_t_test(one, other);
}

std::string shown_words(const PairedTest& test) {
  if (test.degenerate) return "not shown (all differences are equal)";
  return fmt::format("{} (p = {:.2g})", test.significant ? "shown" : "not shown", *test.p);
}

}  // namespace hallmark
