#include "replay/divergence.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "base/error_numbers.hpp"
#include "replay/forward.hpp"
#include "replay/kernels.hpp"

namespace hallmark {
namespace {

Index longest(const std::vector<std::span<const std::byte>>& windows) {
  std::size_t length = 1;
  for (const auto& window : windows) length = std::max(length, window.size());
  return static_cast<Index>(length);
}

// Logits to ln p, row by row. |logit| <= cap: nothing overflows or vanishes without subtracting the largest.
void normalize(Matrix<double>& logits) {
  std::vector<double> row(static_cast<std::size_t>(logits.cols()));
  for (Index t = 0; t < logits.rows(); ++t) {
    double* const z = logits.data() + t * logits.cols();
    std::copy_n(z, row.size(), row.begin());
    replay::exponential(row.data(), logits.cols());
    double sum = 0;
    for (const double value : row) sum += value;
    const double log = std::log(sum);
    for (Index b = 0; b < logits.cols(); ++b) z[b] -= log;
  }
}

// sum over positions and bytes of p (ln p - ln q).
double nats(const Matrix<double>& p, const Matrix<double>& q) {
  std::vector<double> row(static_cast<std::size_t>(p.cols()));
  double total = 0;
  for (Index t = 0; t < p.rows(); ++t) {
    const double *const log_p = p.data() + t * p.cols(), *const log_q = q.data() + t * q.cols();
    std::copy_n(log_p, row.size(), row.begin());
    replay::exponential(row.data(), p.cols());
    double sum = 0;
    for (std::size_t b = 0; b < row.size(); ++b) sum += row[b] * (log_p[b] - log_q[b]);
    total += sum;
  }
  return total;
}

}  // namespace

Divergence::Divergence(const Model& model, std::vector<std::span<const std::byte>> windows)
    : windows_(std::move(windows)), logs_(windows_.size()) {
  const Forward forward(model, longest(windows_));
#pragma omp parallel for schedule(dynamic)
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    logs_[w] = forward.logits(windows_[w]);
    normalize(logs_[w]);
  }
}

Expected<double> Divergence::of(const Model& other) const {
  const Forward forward(other, longest(windows_));
  std::vector<double> each(windows_.size());
#pragma omp parallel for schedule(dynamic)
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    Matrix<double> q = forward.logits(windows_[w]);
    normalize(q);
    each[w] = nats(logs_[w], q);
  }
  double total = 0;
  std::size_t positions = 0;
  for (std::size_t w = 0; w < each.size(); ++w) total += each[w], positions += windows_[w].size();
  const double bits = total / std::numbers::ln2 / static_cast<double>(positions);
  if (!std::isfinite(bits))
    return Error{Exit::numeric, error_number::loss_not_finite, "the predictions of a model are not finite",
                 "bits per byte: " + std::to_string(bits), "check the model's weights"};
  return std::max(0.0, bits);  // roundings alone bring it below
}

}  // namespace hallmark
