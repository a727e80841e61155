#include "pipeline/holdout.hpp"

#include <fmt/format.h>

#include <numeric>

#include "base/error_numbers.hpp"
#include "method/rtn.hpp"

namespace hallmark {
namespace {

// Adds to each row's losses those on some tokens: X is [cols, tokens], errors are [rows, cols].
void add_losses(const Matrix<double>& errors, const Matrix<double>& X, std::vector<double>& losses) {
  const Index tokens = X.cols();
#pragma omp parallel
  {
    std::vector<double> product(static_cast<std::size_t>(tokens));
#pragma omp for schedule(static)
    for (Index i = 0; i < errors.rows(); ++i) {
      std::fill(product.begin(), product.end(), 0.0);
      for (Index j = 0; j < errors.cols(); ++j) {
        const double e = errors(i, j);
        const double* const x = X.row(j).data();
        for (Index t = 0; t < tokens; ++t) product[static_cast<std::size_t>(t)] += e * x[t];
      }
      for (const double y : product) losses[static_cast<std::size_t>(i)] += y * y;
    }
  }
}

}  // namespace

Status check_holdout(const Plan& plan, const CalibrationFile* calibration) {
  const auto refuse = [&](std::string what, const std::string& where, std::string hint) {
    return Error{Exit::infeasible, error_number::nothing_held_out, std::move(what),
                 calibration ? fmt::format("{}: {}", calibration->path(), where) : where, std::move(hint)};
  };
  bool any = false;
  for (const PlannedMatrix& planned : plan.matrices) {
    if (!planned.uses_gram() || !planned.calibration) continue;
    const CalibrationEntry& entry = *planned.calibration;
    if (entry.is_gram)
      return refuse("a Gram matrix has no tokens that could be held out", planned.name() + ": a ready Gram matrix",
                    "activations for every matrix, or no --holdout");
    if (entry.tokens == 0 || entry.held_out == 0)
      return refuse(
          "too few tokens to hold some out",
          fmt::format("{}: {} tokens would be used and {} held out", planned.name(), entry.tokens, entry.held_out),
          "more tokens, or another fraction");
    any = true;
  }
  if (any) return ok();
  return refuse("no matrix uses the tokens that would be held out",
                fmt::format("{} matrices, all rounded to nearest", plan.matrices.size()),
                "a method that is calibrated");
}

Expected<HeldOut> held_out_losses(const PlannedMatrix& planned, const CalibrationFile& calibration, MatrixRef<float> W,
                                  const Quantized& result) {
  constexpr Index rows_at_once = 256;  // memory: 4 KB for each column, and as much again for tokens
  constexpr std::uint64_t tokens_held = 256;
  const CalibrationEntry& entry = *planned.calibration;
  const Grid& grid = planned.matrix.options.grid;
  HeldOut out{entry.held_out};
  for (Index i0 = 0; i0 < W.rows(); i0 += rows_at_once) {
    const Index count = std::min(rows_at_once, W.rows() - i0);
    const MatrixRef<float> part = W.middleRows(i0, count);
    const Steps steps = result.steps.rows(i0, count), steps_rtn = result.steps_of_rtn().rows(i0, count);
    const auto errors_of = [&](const Matrix<Code>& codes, const Steps& of) {
      return Matrix<double>(part.cast<double>() - dequantize_f64(codes, of, grid));
    };
    const Matrix<double> errors = errors_of(result.codes.middleRows(i0, count), steps),
                         errors_rtn = errors_of(round_to_nearest(part, grid, steps_rtn).codes, steps_rtn);
    std::vector<double> losses(static_cast<std::size_t>(count), 0.0), losses_rtn = losses;
    for (std::uint64_t first = 0; first < entry.held_out; first += tokens_held) {
      const Expected<Matrix<float>> tokens =
          calibration.activations(planned.name(), entry.tokens + first, std::min(tokens_held, entry.held_out - first));
      if (!tokens) return tokens.error();
      const Matrix<double> X = tokens->transpose().cast<double>();
      add_losses(errors, X, losses);
      add_losses(errors_rtn, X, losses_rtn);
    }
    out.loss = std::accumulate(losses.begin(), losses.end(), out.loss);
    out.loss_rtn = std::accumulate(losses_rtn.begin(), losses_rtn.end(), out.loss_rtn);
  }
  return out;
}

}  // namespace hallmark
