#include "ablation/measure.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "base/error_numbers.hpp"
#include "method/method.hpp"
#include "scale/scale_rule.hpp"

namespace hallmark {
DirectLoss direct_losses(const Matrix<float>& W, const Matrix<float>& What, const Matrix<double>& G) {
  const Index cols = W.cols();
  const auto n = static_cast<std::size_t>(cols);
  DirectLoss result{std::vector<double>(static_cast<std::size_t>(W.rows())),
                    std::vector<double>(static_cast<std::size_t>(W.rows()))};
#pragma omp parallel
  {
    std::vector<double> e(n), y(n), size(n);
#pragma omp for schedule(static)
    for (Index i = 0; i < W.rows(); ++i) {
      for (Index j = 0; j < cols; ++j) e[static_cast<std::size_t>(j)] = double{W(i, j)} - double{What(i, j)};
      std::fill(y.begin(), y.end(), 0.0);
      std::fill(size.begin(), size.end(), 0.0);
      for (std::size_t b = 0; b < n; ++b) {
        const double* row = G.data() + b * n;
        for (std::size_t a = 0; a < n; ++a) {
          const double term = e[b] * row[a];
          y[a] += term;
          size[a] += std::abs(term);
        }
      }
      double loss = 0, magnitude = 0;
      for (std::size_t a = 0; a < n; ++a) {
        loss += y[a] * e[a];
        magnitude += size[a] * std::abs(e[a]);
      }
      result.loss[static_cast<std::size_t>(i)] = loss;
      result.magnitude[static_cast<std::size_t>(i)] = magnitude;
    }
  }
  return result;
}

// slack: 1 / (1 - (2 * n + 8) * u) / (1 - 2 * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
double loss_error(Index cols) { return (2 * static_cast<double>(cols) + 8) * 0x1p-53 * (1 + 0x1p-20); }

std::vector<ContractCount> Contracts::counts() const {
  std::vector<ContractCount> counts;
  for (const auto& [name, count] : counts_) counts.push_back(count);
  return counts;
}

Status Contracts::status() const {
  std::int64_t failed = 0;
  for (const auto& [name, count] : counts_) failed += count.failed;
  if (failed == 0) return ok();
  return Error{Exit::contract, error_number::cell_check_failed, "a check of the ablation failed",
               fmt::format("{}; {} checks failed in all", failure_, failed), "report this: it is a bug in Hallmark"};
}

namespace {

// Element j of a rotated row before its scale, by the definition of R: integers over 4.
double rotated_point(const Grid& grid, const Quantized& quantized, Index i, Index j) {
  const std::vector<float>& signs = quantized.steps.rotation.signs;
  const auto value = [&](Index k) { return grid.value(quantized.codes(i, k), quantized.steps.zero(i, k)); };
  if (j >= std::ssize(signs)) return value(j);
  const Index block = j / Rotation::kBlock * Rotation::kBlock;
  double sum = 0;
  for (Index k = 0; k < Rotation::kBlock; ++k)
    sum += std::popcount(static_cast<unsigned>(k & (j - block))) % 2 == 0 ? value(block + k) : -value(block + k);
  return sum * double{signs[static_cast<std::size_t>(j)]} / 4;
}

// Element j of a corrected row, from its uncorrected number.
float corrected(const LowRank& factors, Index i, Index j, float q) {
  for (Index k = 0; k < factors.A.cols(); ++k) q = std::fma(factors.A(i, k), factors.B(k, j), q);
  return q;
}

}  // namespace

std::vector<double> check_tensor(const std::string& name, const Matrix<float>& W, const Quantized& quantized,
                                 const Matrix<float>& What, const Options& options, const SiteGram* gram,
                                 Contracts& contracts) {
  const Grid& grid = options.grid;
  const auto at = [&](Index i, Index j) { return fmt::format("{} [{}, {}]", name, i, j); };
  const Steps& steps = quantized.steps;
  // Rules that read more than the diagonal of G need the run's factor, methods that fit steps the run's codes: these
  // scales are what that run made. Those of rotated rows come from other weights.
  const Statistic needed = steps_depend_on(options);
  if (needed <= Statistic::diagonal && !steps.rotation.any()) {
    std::vector<double> diagonal;
    if (needed == Statistic::diagonal && gram) diagonal.assign(gram->G.diagonal().begin(), gram->G.diagonal().end());
    const auto again = steps_for(grid, options.scale_rule, options.scale_storage, W.data(), W.rows(), W.cols(),
                                 options.group_size, {diagonal});
    const Matrix<float>& s = steps.scales;
    const bool same_shape = again && again->scales.rows() == s.rows() && again->scales.cols() == s.cols();
    contracts.check("scales_from_weights", same_shape, [&] { return name; });
    if (same_shape)
      for (Index i = 0; i < s.rows(); ++i)
        for (Index g = 0; g < s.cols(); ++g)
          contracts.check("scales_from_weights", s(i, g) == again->scales(i, g), [&] { return at(i, g); });
  }

  const Steps& of_rtn = quantized.steps_of_rtn();
  Matrix<float> nearest(W.rows(), W.cols());  // RTN's points
  for (Index i = 0; i < W.rows(); ++i) {
    const bool is_rtn = quantized.row_is_rtn(i);
    for (Index j = 0; j < W.cols(); ++j) {
      const Code code = quantized.codes(i, j);
      const Step step = steps.at(i, j);
      const Step plain = of_rtn.at(i, j);
      const Code rtn = grid.nearest(double{W(i, j)} + 0.0, plain);  // -0 is read as +0
      nearest(i, j) = static_cast<float>(plain.scale * grid.value(rtn, plain.zero));
      const double point =
          steps.rotation.of_row(i) ? rotated_point(grid, quantized, i, j) : grid.value(code, step.zero);
      contracts.check("codes_on_grid", grid.contains(code), [&] { return at(i, j); });
      const double product = step.scale * point;
      contracts.check("product_exact",
                      steps.low_rank.of_row(i)
                          ? What(i, j) == corrected(steps.low_rank, i, j, static_cast<float>(product))
                          : double{What(i, j)} == product,
                      [&] { return at(i, j); });
      if (is_rtn) contracts.check("rtn_codes", code == rtn, [&] { return at(i, j); });
    }
  }
  if (gram == nullptr) return {};

  auto kept = direct_losses(W, What, gram->G);
  const auto rtn = direct_losses(W, nearest, gram->G);
  const double error = loss_error(W.cols());
  for (std::size_t i = 0; i < kept.loss.size(); ++i) {
    const auto row = [&] { return fmt::format("{} row {}", name, i); };
    contracts.check("guard_row_loss", quantized.loss_final[i] <= quantized.loss_rtn[i], row);
    contracts.check("guard_row_loss_direct",
                    kept.loss[i] - error * kept.magnitude[i] <= rtn.loss[i] + error * rtn.magnitude[i], row);
  }
  return std::move(kept.loss);
}

}  // namespace hallmark
