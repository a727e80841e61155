#include <cmath>
#include <vector>

#include "scale/candidates.hpp"
#include "scale/deviation.hpp"

namespace hallmark::rules {
namespace {

constexpr double kModulation = 0.175;

double mean(std::span<const double> x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return sum / static_cast<double>(x.size());
}

// 1 + 0.175 (r_i / mean r - 1) for each row and all of its groups, r_i = mean_j |w_ij| G_jj: rows that weigh on large
// inputs clip later.
std::vector<double> factors(const ScaleInput& input) {
  std::vector<double> r(static_cast<std::size_t>(input.rows));
#pragma omp parallel for schedule(static) if (input.rows * input.cols > 1 << 16)
  for (Index i = 0; i < input.rows; ++i) {
    double sum = 0;
    for (Index j = 0; j < input.cols; ++j)
      sum += std::fabs(static_cast<double>(input.w[i * input.cols + j])) * input.weights[static_cast<std::size_t>(j)];
    r[static_cast<std::size_t>(i)] = sum / static_cast<double>(input.cols);
  }
  const double middle = mean(r);
  for (double& x : r) x = middle > 0 && std::isfinite(middle) ? 1 + kModulation * (x / middle - 1) : 1;
  std::vector<double> factor;
  for (const double x : r)
    factor.insert(factor.end(), static_cast<std::size_t>(groups_of(input.cols, input.group_size)), x);
  return factor;
}

}  // namespace

extern const ScaleRule sdclip_hessian;
const ScaleRule sdclip_hessian{
    "sdclip-hessian", takes_scales_alone, Statistic::diagonal,
    [](const ScaleInput& input) -> Expected<Steps> { return clipped_at_deviations(input, factors(input)); }};

}  // namespace hallmark::rules
